//! An operator's templates: single files, other languages, and the mistakes that stop the start.

use crate::{LINK, config, letter};
use auth_domain::mail::MailKind;
use auth_mail::{Content, MailError, Mailer};
use std::{fs, path::Path};
use tempfile::TempDir;

/// A folder with these templates.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn start(templates: &Path, language: &str) -> Result<Mailer, MailError> {
    let mail = tempfile::tempdir().unwrap();
    let mut config = config(mail.path());
    config.templates = Some(templates.to_owned());
    config.language = language.to_owned();
    Mailer::start(&config)
}

fn complaint(files: &[(&str, &str)]) -> String {
    start(folder(files).path(), "en").unwrap_err().to_string()
}

fn render(mailer: &Mailer, kind: MailKind, language: Option<&str>) -> Content {
    let mut letter = letter(kind);
    letter.language = language.map(str::to_owned);
    mailer.render(&letter).unwrap()
}

#[test]
fn a_single_file_replaces_the_built_in_one() {
    let folder = folder(&[
        ("en/password_reset.subject", "{{ name }}, your key\n"),
        (
            "en/layout.txt",
            "{% block body %}{% endblock %}\n{{ link }} {{ report_link }}\n-- House style\n",
        ),
        ("en/.draft.swp", "{% nonsense"),
    ]);
    let mailer = start(folder.path(), "en").unwrap();
    let content = render(&mailer, MailKind::PasswordReset, None);
    assert_eq!(content.subject, "Ada Lovelace, your key");
    assert!(content.text.contains(LINK) && content.text.ends_with("-- House style\n"));
    assert!(content.html.contains("Choose a new password"));
    let other = render(&mailer, MailKind::NewDevice, None);
    assert!(other.subject.contains("new device") && other.text.ends_with("-- House style\n"));
}

#[test]
fn another_language_falls_back_to_english_file_by_file() {
    let folder = folder(&[
        (
            "de/password_reset.subject",
            "Neues Passwort für {{ service_name }}",
        ),
        (
            "de/password_reset.html",
            "<html lang=\"{{ language }}\"><p>Grüße</p><a href=\"{{ link }}\">Öffnen</a>",
        ),
        ("pt/new_device.subject", "Novo dispositivo"),
        ("pt-br/new_device.subject", "Novo aparelho"),
    ]);
    let mailer = start(folder.path(), "de").unwrap();
    for language in [None, Some("de"), Some("DE"), Some("de-at"), Some("sv")] {
        let content = render(&mailer, MailKind::PasswordReset, language);
        assert_eq!(
            content.subject, "Neues Passwort für Example Accounts",
            "{language:?}"
        );
        assert!(
            content.html.starts_with("<html lang=\"de\"><p>Grüße"),
            "{language:?}"
        );
        assert!(
            content.text.contains("Somebody asked for a new password"),
            "{language:?}"
        );
    }
    let english = render(&mailer, MailKind::PasswordReset, Some("en"));
    assert!(english.subject.starts_with("Choose a new password"));
    assert!(
        render(&mailer, MailKind::NewDevice, None)
            .html
            .contains("<html lang=\"en\">")
    );
    assert_eq!(
        render(&mailer, MailKind::NewDevice, Some("pt-pt")).subject,
        "Novo dispositivo"
    );
    assert_eq!(
        render(&mailer, MailKind::NewDevice, Some("pt-BR")).subject,
        "Novo aparelho"
    );
}

#[test]
fn a_language_that_a_stranger_requested_is_only_looked_up() {
    let folder = folder(&[("de/reported.subject", "Gemeldet")]);
    let mailer = start(folder.path(), "en").unwrap();
    for language in ["../../etc", "", "-", "en-GB", "de\u{202E}", "🏴"] {
        let content = render(&mailer, MailKind::Reported, Some(language));
        assert!(content.subject.contains("choose a new password"), "{language:?}");
    }
}

#[test]
fn an_invalid_template_stops_the_start_with_its_file_and_line() {
    let said = complaint(&[("en/new_device.txt", "Hello\n{% if device %}\n")]);
    assert!(said.contains("en/new_device.txt: line 2: syntax error"), "{said}");
    let said = complaint(&[("sv/new_device.html", "{{ ip | no_such_filter }}{{ report_link }}")]);
    assert!(
        said.contains("sv/new_device.html: line 1: unknown filter"),
        "{said}"
    );
    let said = complaint(&[("en/locked_out.txt", "{% include \"footer.txt\" %}")]);
    assert!(said.contains("footer.txt"), "{said}");
}

#[test]
fn an_unknown_variable_stops_the_start() {
    let said = complaint(&[("en/new_device.txt", "{{ report_link }} {{ pasword }}")]);
    assert!(
        said.contains("en/new_device.txt: there is no variable pasword"),
        "{said}"
    );
    let fine = folder(&[(
        "en/new_device.txt",
        "{% set who = name or kind %}{% for n in range(2) %}{{ loop.index }}{{ who }}{% endfor %}{{ report_link }}",
    )]);
    start(fine.path(), "en").unwrap();
}

#[test]
fn a_template_without_its_link_stops_the_start() {
    let said = complaint(&[("en/password_reset.txt", "Choose a new password on our site.")]);
    assert!(
        said.ends_with("en/password_reset.txt: must show {{ link }}"),
        "{said}"
    );
    let said = complaint(&[("de/email_changed.html", "<p>Geändert</p>")]);
    assert!(
        said.ends_with("de/email_changed.html: must show {{ report_link }}"),
        "{said}"
    );
    let said = complaint(&[("en/reported.subject", "{{ new_email and '' }}")]);
    assert!(
        said.ends_with("en/reported.subject: the subject is empty"),
        "{said}"
    );
}

#[test]
fn an_unused_file_stops_the_start() {
    let said = complaint(&[("en/pasword_reset.txt", "x")]);
    assert!(
        said.ends_with("en/pasword_reset.txt: no mail uses a file of this name"),
        "{said}"
    );
    let said = complaint(&[("password_reset.txt", "x")]);
    assert!(
        said.contains("password_reset.txt: templates are in folders"),
        "{said}"
    );
    let said = complaint(&[("Deutsch/password_reset.txt", "x")]);
    assert!(said.contains("Deutsch: a language is"), "{said}");
}

#[test]
fn a_missing_folder_or_language_stops_the_start() {
    let said = start(Path::new("/nowhere/templates"), "en")
        .unwrap_err()
        .to_string();
    assert!(said.starts_with("mail.templates: /nowhere/templates: "), "{said}");
    let said = start(folder(&[]).path(), "fr").unwrap_err().to_string();
    assert_eq!(said, "mail.language has no folder fr in mail.templates");
}
