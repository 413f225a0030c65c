//! Tasks, their descriptors, files, and the caches that they lie in.

use anyhow::Result;

use super::members;
use crate::kernel::btf::Btf;

/// `struct kmem_cache`.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel::objects) struct CacheLayout {
    pub(in crate::kernel::objects) name: u64,
    /// The distance between two objects.
    pub(in crate::kernel::objects) size: u64,
}

/// `struct task_struct`, `files_struct` and `fdtable`.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel::objects) struct TaskLayout {
    pub(in crate::kernel::objects) thread_node: u64,
    pub(in crate::kernel::objects) state: u64,
    pub(in crate::kernel::objects) pid: u64,
    pub(in crate::kernel::objects) tgid: u64,
    pub(in crate::kernel::objects) name: u64,
    pub(in crate::kernel::objects) files: u64,
    /// The page of `task_frag`.
    pub(in crate::kernel::objects) fragment: u64,
    pub(in crate::kernel::objects) table: u64,
    pub(in crate::kernel::objects) most_files: u64,
    pub(in crate::kernel::objects) descriptors: u64,
}

/// `struct file` and `inode`.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel::objects) struct FileLayout {
    pub(in crate::kernel::objects) operations: u64,
    pub(in crate::kernel::objects) inode: u64,
    pub(in crate::kernel::objects) private: u64,
    pub(in crate::kernel::objects) references: u64,
    /// Since Linux 6.13 a count below 0 is that of a file that is gone; before, 0.
    pub(in crate::kernel::objects) counts_from_zero: bool,
    pub(in crate::kernel::objects) inode_number: u64,
    pub(in crate::kernel::objects) inode_mode: u64,
}

impl CacheLayout {
    pub(super) fn of(btf: &Btf<'_>) -> Result<Self> {
        let cache = members(btf, "kmem_cache");
        Ok(Self {
            name: cache.at("name")?,
            size: cache.at("size")?,
        })
    }
}

impl TaskLayout {
    pub(super) fn of(btf: &Btf<'_>) -> Result<Self> {
        let (task, table) = (members(btf, "task_struct"), members(btf, "fdtable"));
        Ok(Self {
            thread_node: task.at("thread_node")?,
            // Linux 5.14 renamed it.
            state: task.at("__state").or_else(|_| task.at("state"))?,
            pid: task.at("pid")?,
            tgid: task.at("tgid")?,
            name: task.at("comm")?,
            files: task.at("files")?,
            fragment: task.at("task_frag")? + members(btf, "page_frag").at("page")?,
            table: members(btf, "files_struct").at("fdt")?,
            most_files: table.at("max_fds")?,
            descriptors: table.at("fd")?,
        })
    }
}

impl FileLayout {
    pub(super) fn of(btf: &Btf<'_>) -> Result<Self> {
        let file = members(btf, "file");
        let references = file.at("f_ref");
        Ok(Self {
            operations: file.at("f_op")?,
            inode: file.at("f_inode")?,
            private: file.at("private_data")?,
            counts_from_zero: references.is_ok(),
            references: references.or_else(|_| file.at("f_count"))?,
            inode_number: members(btf, "inode").at("i_ino")?,
            inode_mode: members(btf, "inode").at("i_mode")?,
        })
    }
}
