//! Expressions as a hash-consed directed acyclic graph: equal expressions are one node, and simple algebra is done
//! when a node is made.

mod build;
mod derive;
mod evaluate;
mod graph;
mod solve;
mod tame;

pub use evaluate::power;
pub use graph::{Binary, Function, Graph, Id, Node, Relation, Symbol};

#[cfg(test)]
mod tests;
