//! Executable memory, and the one call into it.

use memmap2::{Mmap, MmapMut};

/// Machine code that can be called and no longer written.
#[derive(Debug)]
pub struct Code(Mmap);

impl Code {
    /// `None` where the system lends no memory or lets nobody execute what was written.
    pub fn new(bytes: &[u8]) -> Option<Code> {
        let mut map = MmapMut::map_anon(bytes.len()).ok()?;
        map.copy_from_slice(bytes);
        Some(Code(map.make_exec().ok()?))
    }

    /// Calls the function at `at`.
    ///
    /// # Safety
    /// At `at` a function begins that [`super::encode::Assembler`] wrote, and it reads and writes nothing but what lies
    /// within the three pieces of memory, of which `table` is read only.
    #[cfg(target_arch = "x86_64")]
    pub unsafe fn call(&self, at: usize, storage: *mut u8, table: *const u8, scratch: *mut u8, rounds: u64) {
        type Function = unsafe extern "sysv64" fn(*mut u8, *const u8, *mut u8, u64);
        // SAFETY: a function begins there, and these are its arguments.
        unsafe {
            let function: Function = std::mem::transmute(self.0.as_ptr().add(at));
            function(storage, table, scratch, rounds);
        }
    }
}
