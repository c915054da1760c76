//! The fields of a form, and what is wrong with them. The rule: a page reads only its own fields; any other field is ignored.

use super::texts::Texts;
use crate::http::{
    form::{self, MAX_PARAMETERS},
    problem::{Code, FieldError, Problem},
    query::Query,
};
use secrecy::SecretString;

/// The submitted fields.
#[derive(Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Parses a form.
    ///
    /// # Errors 400 for a form that is not UTF-8 or has too many fields.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        let malformed = || Problem::with_detail(Code::InvalidRequest, "The form is malformed.");
        let found: Option<Vec<_>> = form::pairs(body).take(MAX_PARAMETERS + 1).collect();
        found
            .filter(|found| found.len() <= MAX_PARAMETERS)
            .map(Self)
            .ok_or_else(malformed)
    }

    /// The fields that the query of a page's address fills in.
    ///
    /// # Errors
    /// 422 for a parameter that is given twice.
    pub fn of_query(query: Query<'_>, names: &[&str]) -> Result<Self, Problem> {
        let mut found = Vec::new();
        for name in names {
            if let Some(value) = query.single(name)? {
                found.push(((*name).to_owned(), value));
            }
        }
        Ok(Self(found))
    }

    /// A field's text; empty if the field is missing.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// A field's text without the spaces around it, which phones add.
    #[must_use]
    pub fn trimmed(&self, name: &str) -> &str {
        self.text(name).trim()
    }

    /// A field's trimmed text, or `None` if it is empty.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<String> {
        Some(self.trimmed(name))
            .filter(|text| !text.is_empty())
            .map(ToOwned::to_owned)
    }

    /// A secret field, exactly as typed.
    #[must_use]
    pub fn secret(&self, name: &str) -> SecretString {
        self.text(name).into()
    }

    /// Whether a field is present, such as a ticked checkbox.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// Checks that the user confirmed a change that can't be undone. Browsers don't send the form without the tick.
    ///
    /// # Errors
    /// 422.
    pub fn check_confirmed(&self, t: &Texts) -> Result<(), Problem> {
        if self.has("sure") {
            return Ok(());
        }
        let fault = FieldError::new("sure", "missing", t.not_sure.clone());
        Err(Problem::invalid_input(vec![fault]))
    }

    /// Every value of a field.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// What is wrong with a form that is shown again.
#[derive(Default)]
pub struct Faults {
    /// What is wrong with the form as a whole.
    pub whole: Option<String>,
    fields: Vec<FieldError>,
}

impl Faults {
    /// One fault, of one field.
    #[must_use]
    pub fn one(field: &str, code: &'static str, message: &str) -> Self {
        Self {
            whole: None,
            fields: vec![FieldError::new(field, code, message.to_owned())],
        }
    }

    /// A fault of the form as a whole.
    #[must_use]
    pub fn of_all(message: String) -> Self {
        Self {
            whole: Some(message),
            fields: Vec::new(),
        }
    }

    /// The faults of a form that a problem reports. `known` lists the form's fields, each by its name in the problem and in the
    /// form.
    #[must_use]
    pub fn of(problem: &Problem, known: &[(&str, &str)], words: &Texts) -> Self {
        let code = problem.code();
        let of_code = match code {
            Code::EmailTaken => Some("email"),
            Code::WrongCurrentPassword => Some("current_password"),
            Code::UnknownRole | Code::PermissionNotHeld => Some("role"),
            _ => None,
        };
        let mut faults = Self::default();
        let mut place = |field: &str, code: &str, said: String| {
            if let Some((_, own)) = known.iter().find(|(name, _)| *name == field) {
                faults.fields.push(FieldError::new(own, code.to_owned(), said));
            } else {
                faults.whole = Some(said);
            }
        };
        for error in problem.errors() {
            let said = words.fault(&error.code).unwrap_or(&error.message);
            place(&error.field, &error.code, said.to_owned());
        }
        if problem.errors().is_empty() {
            let said = words.problem(problem).into_owned();
            place(of_code.unwrap_or_default(), code.as_str(), said);
        }
        faults
    }

    /// The faults of a field.
    #[must_use]
    pub fn at(&self, field: &str) -> Vec<&str> {
        let of_field = self.fields.iter().filter(|fault| fault.field == field);
        of_field.map(|fault| fault.message.as_ref()).collect()
    }

    /// Whether there is any fault.
    #[must_use]
    pub fn any(&self) -> bool {
        self.whole.is_some() || !self.fields.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded_and_a_box_may_be_ticked_twice() {
        let fields = Fields::parse(b"email=+a%40b.example+&password=+p%26+&p=a&p=b&flag&empty=").unwrap();
        assert_eq!(fields.trimmed("email"), "a@b.example");
        assert_eq!(fields.text("password"), " p& ", "a password is never trimmed");
        assert_eq!(fields.all("p").collect::<Vec<_>>(), ["a", "b"]);
        assert!(fields.has("flag") && !fields.has("other"));
        assert_eq!(fields.optional("empty"), None);
        assert!(Fields::parse(b"a=%ff").is_err());
        assert!(Fields::parse("x=1&".repeat(MAX_PARAMETERS).as_bytes()).is_ok());
        assert!(Fields::parse("x=1&".repeat(MAX_PARAMETERS + 1).as_bytes()).is_err());
    }

    #[test]
    fn a_fault_is_shown_beside_its_field_or_above_the_form_if_it_has_none() {
        let words = Texts::default();
        let known = [("email", "email"), ("password", "new_password")];
        let weak = Problem::invalid_input(vec![FieldError::new("password", "too_short", "Longer, please.")]);
        let faults = Faults::of(&weak, &known, &words);
        assert_eq!(faults.at("new_password"), ["Longer, please."]);
        assert!(faults.any() && faults.whole.is_none());
        let taken = Faults::of(&Code::EmailTaken.into(), &known, &words);
        assert_eq!(taken.at("email"), [Code::EmailTaken.detail()]);
        let elsewhere = Faults::of(&Code::EmailTaken.into(), &[], &words);
        assert_eq!(elsewhere.whole.as_deref(), Some(Code::EmailTaken.detail()));
        assert!(!Faults::default().any());
    }
}
