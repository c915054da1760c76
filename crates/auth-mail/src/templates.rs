//! The templates: the built-in English ones, the operator's files that replace them, and other languages.
//!
//! Every template is read, compiled and rendered once when the server starts. An unused file, an unknown variable or a mail without its
//! link stops the start with the file's name, instead of failing later for the one mail that matters.

use crate::{
    embedded,
    error::MailError,
    letter::{Content, Letter, MailFacts, VARIABLES, one_line},
    overrides::{self, Files, Source},
};
use auth_domain::mail::MailKind;
use minijinja::{Environment, Value, syntax::SyntaxConfig};
use secrecy::SecretString;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// The longest subject in characters; a longer one is truncated.
const MAX_SUBJECT: usize = 200;
/// The two links with which templates are rendered at the start. The output must contain them.
const PROBES: [&str; 2] = ["https://mail.invalid/a1c7f0", "https://mail.invalid/b2d8e1"];

/// The templates of every language.
pub(crate) struct Templates {
    english: Language,
    others: BTreeMap<String, Language>,
    default: String,
}

impl Templates {
    /// Reads all templates and renders each of them once.
    pub(crate) fn load(folder: Option<&Path>, default: &str) -> Result<Self, MailError> {
        let mut read = folder.map(overrides::read).transpose()?.unwrap_or_default();
        let mut files = overrides::built_in();
        files.extend(read.remove(embedded::LANGUAGE).unwrap_or_default());
        let others = read
            .into_iter()
            .map(|(name, own)| Ok((name.clone(), Language::compile(&name, own, &files)?)))
            .collect::<Result<BTreeMap<_, _>, MailError>>()?;
        let english = Language::compile(embedded::LANGUAGE, files, &Files::new())?;
        if default != embedded::LANGUAGE && !others.contains_key(default) {
            let what = format!("has no folder {default} in mail.templates");
            return Err(MailError::setting("language", what));
        }
        for language in others.values().chain([&english]) {
            language.check_every_kind()?;
        }
        Ok(Self {
            english,
            others,
            default: default.to_owned(),
        })
    }

    /// Renders a letter.
    pub(crate) fn render(&self, letter: &Letter) -> Result<Content, MailError> {
        let language = self.language_for(letter.language.as_deref());
        // The error's details may quote the values, so only its kind is reported.
        language
            .render(letter.kind, &letter.facts)
            .map_err(|error| language.complain(&error, error.kind().to_string()))
    }

    /// The requested language, or its primary language, or the configured one.
    fn language_for(&self, requested: Option<&str>) -> &Language {
        let requested = requested.map(str::to_ascii_lowercase).unwrap_or_default();
        let broader = requested.split('-').next().unwrap_or_default();
        for name in [requested.as_str(), broader, self.default.as_str()] {
            if name == embedded::LANGUAGE {
                break;
            }
            if let Some(language) = self.others.get(name) {
                return language;
            }
        }
        &self.english
    }
}

/// The templates of one language; missing ones are in English.
struct Language {
    name: String,
    environment: Environment<'static>,
    /// The files in this language.
    own: BTreeSet<String>,
    /// The origin of each file, for error messages.
    origins: BTreeMap<String, String>,
}

impl Language {
    fn compile(name: &str, files: Files, fallback: &Files) -> Result<Self, MailError> {
        let mut language = Self {
            name: name.to_owned(),
            environment: Environment::new(),
            own: files.keys().cloned().collect(),
            origins: BTreeMap::new(),
        };
        // In debug mode, errors contain the values of a failed rendering.
        language.environment.set_debug(false);
        let syntax = SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build();
        language
            .environment
            .set_syntax(syntax.map_err(|error| language.complain(&error, error.to_string()))?);
        let mut all = fallback.clone();
        all.extend(files);
        for (file, Source { text, origin }) in all {
            language.origins.insert(file.clone(), origin);
            language
                .environment
                .add_template_owned(file, text)
                .map_err(|error| language.complain(&error, with_detail(&error)))?;
        }
        language.refuse_unknown_variables()?;
        Ok(language)
    }

    fn refuse_unknown_variables(&self) -> Result<(), MailError> {
        let globals: BTreeSet<&str> = self.environment.globals().map(|(name, _)| name).collect();
        for (file, template) in self.environment.templates() {
            let unknown = template.undeclared_variables(false).into_iter().find(|name| {
                let name = name.as_str();
                !VARIABLES.contains(&name)
                    && !globals.contains(name)
                    && !["kind", "language", "self", "super", "loop", "caller"].contains(&name)
            });
            if let Some(name) = unknown {
                return Err(self.refuse(file, format!("there is no variable {name}")));
            }
        }
        Ok(())
    }

    fn render(&self, kind: MailKind, facts: &MailFacts) -> Result<Content, minijinja::Error> {
        let part = |part: &str| {
            let file = format!("{}.{part}", kind.as_str());
            let mut values = facts.values();
            let own_language = if self.own.contains(&file) {
                self.name.as_str()
            } else {
                embedded::LANGUAGE
            };
            values.insert("language", Value::from(own_language));
            values.insert("kind", Value::from(kind.as_str()));
            self.environment.get_template(&file)?.render(Value::from(values))
        };
        Ok(Content {
            subject: one_line(&part("subject")?).chars().take(MAX_SUBJECT).collect(),
            text: tidy(&part("txt")?),
            html: part("html")?,
        })
    }

    /// Renders every kind, with all values and with hardly any, and checks that the links are shown.
    fn check_every_kind(&self) -> Result<(), MailError> {
        for kind in MailKind::ALL {
            for facts in [
                full_facts(),
                MailFacts {
                    service_name: "Keyward".to_owned(),
                    ..MailFacts::default()
                },
            ] {
                let content = self
                    .render(kind, &facts)
                    .map_err(|error| self.complain(&error, with_detail(&error)))?;
                let name = kind.as_str();
                if content.subject.is_empty() {
                    return Err(self.refuse(&format!("{name}.subject"), "the subject is empty"));
                }
                for (part, body) in [("txt", &content.text), ("html", &content.html)] {
                    let needed = [
                        (kind.carries_link(), &facts.link, PROBES[0], "link"),
                        (
                            kind.carries_report_link(),
                            &facts.report_link,
                            PROBES[1],
                            "report_link",
                        ),
                    ];
                    for (carries, given, probe, variable) in needed {
                        let last = probe.rsplit('/').next().unwrap_or(probe);
                        if carries && given.is_some() && !body.contains(last) {
                            let what = format!("must show {{{{ {variable} }}}}");
                            return Err(self.refuse(&format!("{name}.{part}"), what));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn complain(&self, error: &minijinja::Error, what: String) -> MailError {
        let what = match error.line() {
            Some(line) => format!("line {line}: {what}"),
            None => what,
        };
        self.refuse(error.name().unwrap_or_default(), what)
    }

    fn refuse(&self, file: &str, what: impl Into<String>) -> MailError {
        MailError::Template {
            file: self
                .origins
                .get(file)
                .map_or_else(|| file.to_owned(), Clone::clone),
            what: what.into(),
        }
    }
}

fn with_detail(error: &minijinja::Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

fn full_facts() -> MailFacts {
    let some = |text: &str| Some(text.to_owned());
    let [link, report_link] = PROBES.map(|probe| Some(SecretString::from(probe)));
    MailFacts {
        service_name: "Keyward".to_owned(),
        name: some("Ada"),
        link,
        report_link,
        device: some("Firefox on Linux"),
        ip: some("192.0.2.1"),
        at: some("2000-01-01 00:00:00 UTC"),
        valid_for: some("1 hour"),
        new_email: some("ada@example.com"),
    }
}

/// Removes trailing spaces, and merges consecutive empty lines into one.
fn tidy(text: &str) -> String {
    let mut tidied = String::with_capacity(text.len());
    for line in text.trim().lines().map(str::trim_end) {
        if !(line.is_empty() && tidied.ends_with("\n\n")) {
            tidied.push_str(line);
            tidied.push('\n');
        }
    }
    tidied
}
