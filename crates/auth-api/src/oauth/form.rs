//! Form bodies (RFC 6749 §3.2, appendix B).
//!
//! The rule: a repeated parameter is refused, one without a value counts as omitted, and an unknown one is ignored (RFC 6749 §3.2).

use super::error::{OauthCode, OauthError};
use crate::http::{
    body,
    form::{FORM, MAX_PARAMETERS, pairs},
    route::argument::{Argument, FormBody, Specified, Unspecified},
};
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use futures::future::LocalBoxFuture;
use secrecy::SecretString;

/// A form, from which parameters are taken one by one.
pub struct Form(Vec<(String, String)>);

impl Argument for Form {
    type Access = Unspecified;
    type Body = Specified<FormBody>;
}

impl FromRequest for Form {
    type Error = OauthError;
    type Future = LocalBoxFuture<'static, Result<Self, OauthError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            if !body::is_of_type(&request, FORM) {
                return Err(malformed(
                    "Send the parameters as application/x-www-form-urlencoded, in UTF-8",
                ));
            }
            Self::parse(&body::read(&request, payload).await?)
        })
    }
}

impl Form {
    /// Parses a form.
    ///
    /// # Errors
    /// `invalid_request` for a repeated parameter, for too many of them, and for what is not UTF-8.
    pub fn parse(body: &[u8]) -> Result<Self, OauthError> {
        let mut found: Vec<(String, String)> = Vec::new();
        for pair in pairs(body) {
            let (name, value) = pair.ok_or_else(|| malformed("The form is not valid UTF-8"))?;
            if found.iter().any(|(known, _)| *known == name) {
                return Err(malformed("A parameter is given twice"));
            }
            if found.len() == MAX_PARAMETERS {
                return Err(malformed("There are too many parameters"));
            }
            found.push((name, value));
        }
        found.retain(|(_, value)| !value.is_empty());
        Ok(Self(found))
    }

    /// Takes an optional parameter.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.swap_remove(at).1)
    }

    /// Takes a required parameter.
    ///
    /// # Errors
    /// `invalid_request`, with its name.
    pub fn require(&mut self, name: &'static str) -> Result<String, OauthError> {
        self.take(name)
            .ok_or_else(|| malformed(format!("The parameter {name} is missing")))
    }

    /// Takes a required parameter that is secret.
    ///
    /// # Errors
    /// `invalid_request`, with its name.
    pub fn require_secret(&mut self, name: &'static str) -> Result<SecretString, OauthError> {
        self.require(name).map(SecretString::from)
    }
}

fn malformed(description: impl Into<std::borrow::Cow<'static, str>>) -> OauthError {
    OauthError::new(OauthCode::InvalidRequest, description)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::{http::header::CONTENT_TYPE, test::TestRequest};

    #[test]
    fn a_form_is_decoded() {
        let mut form = Form::parse(b"username=a%40b.example&password=p+q%26r%3D&empty=&flag&=x")
            .ok()
            .unwrap();
        assert_eq!(form.take("username").unwrap(), "a@b.example");
        assert_eq!(form.take("password").unwrap(), "p q&r=");
        assert_eq!(form.take("empty"), None);
        assert_eq!(form.take("flag"), None);
        assert_eq!(form.take("username"), None, "taken once");
    }

    #[test]
    fn a_repeated_parameter_is_refused_even_without_a_value() {
        for bad in ["a=1&a=2", "a=1&a=", "a=1&%61=2", "scope=&scope="] {
            assert_eq!(
                Form::parse(bad.as_bytes()).err().unwrap().code(),
                OauthCode::InvalidRequest,
                "{bad}"
            );
        }
    }

    #[test]
    fn a_flood_of_parameters_is_refused() {
        let flood = |count: usize| {
            let names: Vec<String> = (0..count).map(|number| format!("p{number}=1")).collect();
            Form::parse(names.join("&").as_bytes())
        };
        assert!(flood(MAX_PARAMETERS).is_ok());
        assert_eq!(
            flood(MAX_PARAMETERS + 1).err().unwrap().code(),
            OauthCode::InvalidRequest
        );
    }

    #[test]
    fn what_is_not_utf_8_is_refused() {
        assert!(Form::parse(b"a=%ff").is_err());
        assert!(Form::parse(b"a=\xff").is_err());
        assert_eq!(Form::parse(b"a=%zz").ok().unwrap().take("a").unwrap(), "%zz");
        assert!(Form::parse(b"").ok().unwrap().require("token").is_err());
    }

    #[actix_web::test]
    async fn another_media_type_is_an_invalid_request() {
        let (request, mut payload) = TestRequest::post()
            .insert_header((CONTENT_TYPE, "application/json"))
            .set_payload("{}")
            .to_http_parts();
        let refused = Form::from_request(&request, &mut payload).await.err().unwrap();
        assert_eq!(refused.code(), OauthCode::InvalidRequest);
        let (request, mut payload) = TestRequest::post()
            .insert_header((CONTENT_TYPE, FORM))
            .set_payload("token=t")
            .to_http_parts();
        assert_eq!(
            Form::from_request(&request, &mut payload)
                .await
                .ok()
                .unwrap()
                .require("token")
                .unwrap(),
            "t"
        );
    }
}
