//! Where the master key comes from: the environment, a file that the operator names, or, with the embedded database only, a file beside
//! it that the first start creates. The rule: the key is never guessed and never shown.

use crate::config::{Config, MASTER_KEY};
use auth_service::{Entropy, EntropyFailed, MasterKey, MasterKeyError};
use secrecy::{ExposeSecret, SecretString};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};
use zeroize::Zeroize;

/// The name of the file in the data folder.
pub const FILE_NAME: &str = "master.key";

/// The maximum size of the file: 32 bytes in base64, with generous blanks.
const LONGEST_FILE: u64 = 1024;

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum NoMasterKey {
    /// PostgreSQL: no key is created automatically, since every node needs the same one.
    #[error(
        "there is no master key: create one with `openssl rand -base64 32` and give it to every node in KEYWARD_MASTER_KEY \
         (or in a file that data.master_key_file names)"
    )]
    Missing,
    /// The file that was named is not there.
    #[error("there is no master key file {}: restore it, or fix data.master_key_file", .0.display())]
    NoFile(PathBuf),
    /// The content of the file is not a key.
    #[error("{}: {error}", .file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        error: MasterKeyError,
    },
    /// Other users can read the file.
    #[error(
        "other users can read {} (mode {mode:04o}, {owner}): {}",
        .file.display(),
        accepted_instead(.owner)
    )]
    OpenToOthers {
        /// The file.
        file: PathBuf,
        /// Its mode.
        mode: u32,
        /// Its owner.
        owner: Owner,
    },
    /// The file can't be read or created.
    #[error("the master key file {} can't be {verb}: {error}", .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What was tried.
        verb: &'static str,
        /// What was reported.
        error: io::Error,
    },
    /// No random bytes.
    #[error("{0}")]
    Entropy(#[from] EntropyFailed),
}

/// The owner of a file, as seen by this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The user that this process runs as, which may be root.
    Own,
    /// Root, while this process runs as another user: a mounted secret.
    Root,
    /// Another user.
    Other,
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Own => "owned by the user that Keyward runs as",
            Self::Root => "owned by root",
            Self::Other => "owned by another user",
        })
    }
}

/// What would be accepted instead of a file that other users can read.
const fn accepted_instead(owner: &Owner) -> &'static str {
    match owner {
        Owner::Own => {
            "chmod 600 it (0600 and 0400 are accepted; 0640 and 0440, too, if root owns it and Keyward runs as another user; \
             0444 below /run/secrets with data.master_key_readable_by_all = true)"
        }
        Owner::Root => {
            "mount it with mode 0440 or 0640 and a group that Keyward runs in, or with 0400 or 0600 for Keyward's user (0444 is \
             accepted below /run/secrets only, with data.master_key_readable_by_all = true)"
        }
        Owner::Other => {
            "give it to the user that Keyward runs as, with mode 0600 or 0400, or to root and a group that Keyward runs in, with \
             mode 0640 or 0440 (0444 is accepted below /run/secrets only, with data.master_key_readable_by_all = true)"
        }
    }
}

/// Whether a file of this mode may hold the master key. This is PostgreSQL's rule for the key of its certificate: only the owner may
/// read it, and its group as well if root owns it and the process runs as another user. `by_all` says that the operator allows all
/// users to read it.
const fn is_private(mode: u32, owner: Owner, by_all: bool) -> bool {
    let refused = match owner {
        _ if by_all => 0o033,
        Owner::Root => 0o037,
        Owner::Own | Owner::Other => 0o077,
    };
    mode & refused == 0
}

/// Where Docker and Kubernetes mount secrets. Only there may a file be readable by all users.
const MOUNTED_SECRETS: [&str; 2] = ["/run/secrets", "/var/run/secrets"];

fn is_mounted_secret(file: &Path) -> bool {
    let real = file.canonicalize();
    real.is_ok_and(|real| MOUNTED_SECRETS.iter().any(|folder| real.starts_with(folder)))
}

/// A master key and where it came from.
pub struct FoundKey {
    /// The key.
    pub key: MasterKey,
    /// The file that was just created for it.
    pub created: Option<PathBuf>,
}

/// The file that holds the master key if the environment does not: the named file or, with the embedded database, the usual file.
#[must_use]
pub fn file_of(config: &Config) -> Option<PathBuf> {
    let usual = || config.is_embedded().then(|| config.data.dir.join(FILE_NAME));
    config.data.master_key_file.clone().or_else(usual)
}

/// Where the master key comes from, in words.
#[must_use]
pub fn source_of(config: &Config) -> String {
    match (&config.master_key, file_of(config)) {
        (Some(_), _) => format!("environment {MASTER_KEY}"),
        (None, Some(file)) => format!("file {}", file.display()),
        (None, None) => "nowhere".to_owned(),
    }
}

/// The existing master key, from the environment or from a file.
///
/// # Errors
/// [`NoMasterKey`].
pub fn find(config: &Config) -> Result<MasterKey, NoMasterKey> {
    match (&config.master_key, file_of(config)) {
        (Some(key), _) => Ok(key.clone()),
        (None, Some(file)) => {
            let by_all = config.data.master_key_readable_by_all && is_mounted_secret(&file);
            read(&file, by_all)
        }
        (None, None) => Err(NoMasterKey::Missing),
    }
}

/// The existing master key, or a new one in the data folder of the embedded database.
///
/// # Errors
/// [`NoMasterKey`].
pub fn find_or_create(config: &Config, entropy: &dyn Entropy) -> Result<FoundKey, NoMasterKey> {
    match find(config) {
        Ok(key) => Ok(FoundKey { key, created: None }),
        Err(NoMasterKey::NoFile(file)) if config.data.master_key_file.is_none() => create(&file, entropy),
        Err(reason) => Err(reason),
    }
}

fn read(file: &Path, by_all: bool) -> Result<MasterKey, NoMasterKey> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => NoMasterKey::NoFile(file.to_owned()),
        _ => NoMasterKey::Io {
            file: file.to_owned(),
            verb: "read",
            error,
        },
    };
    let opened = File::open(file).map_err(failed)?;
    let (mode, owner) = access_of(&opened).map_err(failed)?;
    if !is_private(mode, owner, by_all) {
        return Err(NoMasterKey::OpenToOthers {
            file: file.to_owned(),
            mode,
            owner,
        });
    }
    let mut text = String::new();
    opened
        .take(LONGEST_FILE)
        .read_to_string(&mut text)
        .map_err(failed)?;
    let key = MasterKey::from_base64(&text);
    text.zeroize();
    key.map_err(|error| NoMasterKey::Malformed {
        file: file.to_owned(),
        error,
    })
}

#[cfg(unix)]
fn access_of(opened: &File) -> io::Result<(u32, Owner)> {
    use std::os::unix::fs::MetadataExt;
    let found = opened.metadata()?;
    let owner = match found.uid() {
        uid if uid == rustix::process::geteuid().as_raw() => Owner::Own,
        0 => Owner::Root,
        _ => Owner::Other,
    };
    Ok((found.mode() & 0o7777, owner))
}

#[cfg(not(unix))]
fn access_of(_: &File) -> io::Result<(u32, Owner)> {
    Ok((0o600, Owner::Own))
}

/// Creates the file atomically: it is written under another name, then linked to its own, which fails if another process was faster.
fn create(file: &Path, entropy: &dyn Entropy) -> Result<FoundKey, NoMasterKey> {
    let failed = |error: io::Error| NoMasterKey::Io {
        file: file.to_owned(),
        verb: "created",
        error,
    };
    let mut bytes = [0; 32];
    entropy.fill(&mut bytes)?;
    let key = MasterKey::from_bytes(bytes);
    let draft = file.with_extension(format!("key.{}", std::process::id()));
    let written = write_draft(&draft, &key.to_base64()).and_then(|()| fs::hard_link(&draft, file));
    bytes.zeroize();
    let _draft_may_stay = fs::remove_file(&draft);
    match written {
        Ok(()) => {
            sync_folder(file).map_err(failed)?;
            Ok(FoundKey {
                key,
                created: Some(file.to_owned()),
            })
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(FoundKey {
            key: read(file, false)?,
            created: None,
        }),
        Err(error) => Err(failed(error)),
    }
}

fn write_draft(draft: &Path, key: &SecretString) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut opened = options.open(draft)?;
    writeln!(opened, "{}", key.expose_secret())?;
    opened.sync_all()
}

/// Replaces the key in its file atomically.
///
/// # Errors
/// [`NoMasterKey::Io`].
pub fn replace(file: &Path, key: &MasterKey) -> Result<(), NoMasterKey> {
    let failed = |error: io::Error| NoMasterKey::Io {
        file: file.to_owned(),
        verb: "replaced",
        error,
    };
    let draft = file.with_extension(format!("key.{}", std::process::id()));
    write_draft(&draft, &key.to_base64())
        .and_then(|()| fs::rename(&draft, file))
        .map_err(failed)?;
    sync_folder(file).map_err(failed)
}

fn sync_folder(file: &Path) -> io::Result<()> {
    match file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auth_service::SystemEntropy;
    use std::os::unix::fs::PermissionsExt;

    fn mode(file: &Path) -> u32 {
        fs::metadata(file).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_key_is_created_once_for_its_owner_only_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE_NAME);
        assert!(matches!(read(&file, false), Err(NoMasterKey::NoFile(_))));
        let first = create(&file, &SystemEntropy).unwrap();
        assert_eq!(
            (first.created.as_deref(), mode(&file)),
            (Some(file.as_path()), 0o600)
        );
        let second = create(&file, &SystemEntropy).unwrap();
        assert!(second.created.is_none());
        assert_eq!(
            first.key.to_base64().expose_secret(),
            second.key.to_base64().expose_secret()
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_key_file_that_other_users_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE_NAME);
        create(&file, &SystemEntropy).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let refusal = read(&file, false).err().unwrap().to_string();
        assert!(
            refusal.contains("mode 0640") && refusal.contains("chmod 600"),
            "{refusal}"
        );
    }

    #[test]
    fn a_mounted_key_may_be_read_by_the_group_if_it_is_roots_and_by_all_if_the_operator_allows_it() {
        use Owner::{Other, Own, Root};
        let cases = [
            (0o600, Own, false, true),
            (0o400, Own, false, true),
            (0o640, Own, false, false),
            (0o440, Own, false, false),
            (0o440, Root, false, true),
            (0o640, Root, false, true),
            (0o400, Root, false, true),
            (0o660, Root, false, false),
            (0o650, Root, false, false),
            (0o444, Root, false, false),
            (0o444, Root, true, true),
            (0o644, Own, true, true),
            (0o666, Root, true, false),
            (0o664, Root, true, false),
            (0o600, Other, false, true),
            (0o640, Other, false, false),
        ];
        for (mode, owner, by_all, accepted) in cases {
            assert_eq!(
                is_private(mode, owner, by_all),
                accepted,
                "{mode:04o} {owner:?} {by_all}"
            );
        }
        for owner in [Own, Root, Other] {
            assert!(accepted_instead(&owner).contains("data.master_key_readable_by_all"));
        }
        assert!(!is_mounted_secret(Path::new("/run/secrets/../../etc/passwd")));
    }

    #[test]
    fn a_short_or_garbled_file_is_refused_without_showing_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE_NAME);
        for text in ["c2hvcnQ=", "not base64 at all!"] {
            write_draft(&file, &text.into()).unwrap();
            let refusal = read(&file, false).err().unwrap().to_string();
            assert!(
                refusal.contains("openssl rand") && !refusal.contains(text),
                "{refusal}"
            );
            fs::remove_file(&file).unwrap();
        }
    }

    #[test]
    fn a_replaced_key_is_whole_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE_NAME);
        create(&file, &SystemEntropy).unwrap();
        replace(&file, &MasterKey::from_bytes([7; 32])).unwrap();
        assert_eq!(mode(&file), 0o600);
        let key = read(&file, false).ok().unwrap();
        assert_eq!(
            key.to_base64().expose_secret(),
            MasterKey::from_bytes([7; 32]).to_base64().expose_secret()
        );
    }
}
