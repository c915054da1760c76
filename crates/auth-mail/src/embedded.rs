//! The English templates, which are compiled in and are the fallback for every other language.

/// The language of the built-in templates.
pub(crate) const LANGUAGE: &str = "en";

macro_rules! english {
    ($($file:literal,)*) => {
        &[$(($file, include_str!(concat!("../templates/en/", $file)))),*]
    };
}

/// The built-in files by name: a subject, a text part and an HTML part for each kind of mail, and the two layouts.
pub(crate) const FILES: &[(&str, &str)] = english![
    "account_deleted.html",
    "account_deleted.subject",
    "account_deleted.txt",
    "api_key_created.html",
    "api_key_created.subject",
    "api_key_created.txt",
    "already_registered.html",
    "already_registered.subject",
    "already_registered.txt",
    "email_change_confirm.html",
    "email_change_confirm.subject",
    "email_change_confirm.txt",
    "email_change_requested.html",
    "email_change_requested.subject",
    "email_change_requested.txt",
    "email_changed.html",
    "email_changed.subject",
    "email_changed.txt",
    "email_verification.html",
    "email_verification.subject",
    "email_verification.txt",
    "layout.html",
    "layout.txt",
    "locked_out.html",
    "locked_out.subject",
    "locked_out.txt",
    "new_device.html",
    "new_device.subject",
    "new_device.txt",
    "password_changed.html",
    "password_changed.subject",
    "password_changed.txt",
    "password_reset.html",
    "password_reset.subject",
    "password_reset.txt",
    "refresh_token_reuse.html",
    "refresh_token_reuse.subject",
    "refresh_token_reuse.txt",
    "reported.html",
    "reported.subject",
    "reported.txt",
];

#[cfg(test)]
mod tests {
    use super::*;
    use auth_domain::mail::MailKind;

    #[test]
    fn every_kind_has_its_three_files_and_there_are_no_others() {
        let mut expected = vec!["layout.html".to_owned(), "layout.txt".to_owned()];
        for kind in MailKind::ALL {
            for part in ["subject", "txt", "html"] {
                expected.push(format!("{}.{part}", kind.as_str()));
            }
        }
        expected.sort();
        let mut names: Vec<_> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        names.sort();
        assert_eq!(names, expected);
    }
}
