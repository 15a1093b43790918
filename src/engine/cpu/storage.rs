//! Slots in memory that begins at a cache line: a vector load that straddles two lines costs twice as much.

use bytemuck::{Pod, Zeroable};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([u64; 8]);

#[derive(Debug, Clone)]
pub struct Storage<R> {
    lines: Vec<Line>,
    length: usize,
    number: PhantomData<R>,
}

impl<R: Pod> Storage<R> {
    /// `length` zeros.
    pub fn new(length: usize) -> Self {
        let lines = (length * size_of::<R>()).div_ceil(size_of::<Line>());
        Storage { lines: vec![Line::zeroed(); lines], length, number: PhantomData }
    }
}

impl<R: Pod> Deref for Storage<R> {
    type Target = [R];

    fn deref(&self) -> &[R] {
        &bytemuck::cast_slice(&self.lines)[..self.length]
    }
}

impl<R: Pod> DerefMut for Storage<R> {
    fn deref_mut(&mut self) -> &mut [R] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.length]
    }
}
