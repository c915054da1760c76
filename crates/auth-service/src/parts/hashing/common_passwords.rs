//! The list of common passwords. It is checked beside the policy, because some three thousand of its entries get a good score from
//! zxcvbn, which does not know them. It is the list of the crate `passwords`, which the domain may not depend on.

use auth_domain::password::{NewPassword, PasswordPolicy, PasswordViolation};
use passwords::analyzer::is_common_password;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// Accepts a new password that the policy accepts and that is not on the list.
///
/// # Errors
/// Every rule that it breaks.
pub(super) fn accept(
    policy: &PasswordPolicy,
    password: &SecretString,
    context: &[&str],
) -> Result<NewPassword, Vec<PasswordViolation>> {
    let accepted = policy.accept(password.expose_secret().to_owned(), context)?;
    match std::str::from_utf8(accepted.as_bytes()) {
        Ok(text) if is_listed(text) => Err(vec![PasswordViolation::common()]),
        _ => Ok(accepted),
    }
}

/// Whether a password is on the list of 99,838 common ones, as typed or in lower case.
fn is_listed(password: &str) -> bool {
    is_common_password(password)
        || (password.chars().any(char::is_uppercase)
            && is_common_password(Zeroizing::new(password.to_lowercase()).as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(policy: &PasswordPolicy, password: &str) -> Vec<&'static str> {
        let refused = accept(policy, &SecretString::from(password), &["ada@example.com"]).err();
        let violations = refused.unwrap_or_default();
        violations.iter().map(|violation| violation.code).collect()
    }

    /// docs/rules.md §4: the list counts beside the score, because the score of some common passwords is high enough.
    #[test]
    fn a_password_on_the_list_of_common_ones_is_refused_whatever_its_score() {
        let (usual, any_score) = (
            PasswordPolicy::default(),
            PasswordPolicy {
                min_score: 0,
                ..PasswordPolicy::default()
            },
        );
        for listed in [
            "snorre98",
            "plombier",
            "kanishka",
            "homeslice1",
            "5starchick",
            "neversaynever",
            "misericordia",
            "73jaGtk4q",
            "nicodemus",
            "NICODEMUS",
            "Neversaynever",
        ] {
            assert_eq!(codes(&usual, listed), ["common"], "{listed}");
            assert_eq!(codes(&any_score, listed), ["common"], "{listed}");
        }
        for other in ["snorre98 plombier", "nicodemus-kundalini-4"] {
            assert_eq!(codes(&usual, other), [""; 0], "{other}");
        }
    }
}
