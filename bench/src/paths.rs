//! Paths: the repository, the built binaries, and a data folder on a real disk.

use crate::BenchResult;
use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// The root of the repository that this program was built from.
#[must_use]
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The folder of the load scripts.
#[must_use]
pub fn lua() -> PathBuf {
    repository().join("bench/lua")
}

/// The path of another program of the same build.
///
/// # Errors
/// If the program does not exist.
pub fn built(name: &str) -> BenchResult<PathBuf> {
    let mine = std::env::current_exe()?;
    let folder = mine.parent().ok_or("this program is in no folder")?;
    // Test binaries are one folder deeper.
    let folder = if folder.ends_with("deps") {
        folder.parent().unwrap_or(folder)
    } else {
        folder
    };
    let path = folder.join(name);
    if path.is_file() {
        Ok(path)
    } else {
        Err(format!("{} is missing: cargo build -p {name}", path.display()).into())
    }
}

/// Creates a folder for the run, which servers of another user may enter. A file system in memory is refused, because it would make every
/// commit free.
///
/// # Errors
/// If the folder can't be created.
pub fn folder_on_disk(within: &Path) -> BenchResult<TempDir> {
    let folder = tempfile::Builder::new()
        .prefix("keyward-bench.")
        .tempdir_in(within)?;
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
    if is_in_memory(&file_system(folder.path())?) {
        return Err(format!(
            "{} is in memory: set a folder on a disk with --dir",
            within.display()
        )
        .into());
    }
    Ok(folder)
}

/// Whether a type of file system keeps its files in memory.
fn is_in_memory(kind: &str) -> bool {
    matches!(kind, "tmpfs" | "ramfs")
}

/// The type of the file system of a folder.
///
/// # Errors
/// If `stat` can't be run.
pub fn file_system(folder: &Path) -> BenchResult<String> {
    let output = Command::new("stat")
        .args(["-f", "-c", "%T"])
        .arg(folder)
        .output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A number of the shipped configuration, by a key that is unique among all sections.
#[cfg(test)]
pub(crate) fn shipped(key: &str) -> u32 {
    let file = std::fs::read_to_string(repository().join("config/default.toml")).unwrap();
    let start = format!("{key} = ");
    let values: Vec<&str> = file
        .lines()
        .filter_map(|line| line.strip_prefix(&start))
        .collect();
    assert_eq!(values.len(), 1, "{key}: {values:?}");
    values[0].parse().unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_in_memory_is_distinguished_from_a_disk() {
        assert!(is_in_memory("tmpfs") && is_in_memory("ramfs"));
        assert!(!is_in_memory("ext2/ext3") && !is_in_memory("overlayfs") && !is_in_memory("xfs"));
    }

    #[test]
    fn the_kind_of_a_file_system_is_a_word() {
        assert!(!file_system(&repository()).unwrap().is_empty());
    }
}
