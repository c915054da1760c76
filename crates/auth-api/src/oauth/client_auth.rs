//! Client authentication (RFC 6749 §2.3.1): by a Basic header, whose parts are form-encoded, or by the form, and never by both.

use crate::{
    http::{
        call::service_of,
        form,
        route::{
            access::{Client, ClientIfSent},
            argument::{Argument, FormBody, Specified},
        },
    },
    oauth::{
        error::{OauthCode, OauthError},
        form::Form,
    },
};
use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::AUTHORIZATION};
use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use futures::future::LocalBoxFuture;
use secrecy::{ExposeSecret, SecretString};
use std::marker::PhantomData;

/// Some clients omit the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The credentials of a client.
pub struct Credentials {
    id: String,
    secret: SecretString,
}

/// Whether a route requires client authentication, as its access says.
pub trait ClientAccess: 'static {
    /// Whether a client that sends no credentials is refused.
    const IS_REQUIRED: bool;
}

impl ClientAccess for Client {
    const IS_REQUIRED: bool = true;
}

impl ClientAccess for ClientIfSent {
    const IS_REQUIRED: bool = false;
}

/// A form, without the client's credentials. Wrong credentials are refused, and so are missing ones where `A` requires them.
pub struct ClientForm<A> {
    /// The form.
    pub form: Form,
    access: PhantomData<A>,
}

impl<A> Argument for ClientForm<A> {
    type Access = Specified<A>;
    type Body = Specified<FormBody>;
}

impl<A: ClientAccess> FromRequest for ClientForm<A> {
    type Error = OauthError;
    type Future = LocalBoxFuture<'static, Result<Self, OauthError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, form) = (request.clone(), Form::from_request(request, payload));
        Box::pin(async move {
            let mut form = form.await?;
            match credentials(&request, &mut form)? {
                Some(Credentials { id, secret }) => {
                    let service = service_of(&request)?;
                    service.authenticate_client(&id, secret.expose_secret()).await?;
                }
                None if A::IS_REQUIRED => return Err(OauthError::invalid_client()),
                None => {}
            }
            Ok(Self {
                form,
                access: PhantomData,
            })
        })
    }
}

/// The credentials of a request, if it has any.
fn credentials(request: &HttpRequest, form: &mut Form) -> Result<Option<Credentials>, OauthError> {
    let twice = || {
        OauthError::new(
            OauthCode::InvalidRequest,
            "Use one method of client authentication only",
        )
    };
    let (id, secret) = (form.take("client_id"), form.take("client_secret"));
    let mut sent = request.headers().get_all(AUTHORIZATION);
    let header = sent.next();
    if sent.next().is_some() {
        return Err(twice());
    }
    match (header, id, secret) {
        (Some(header), id, None) => {
            let basic = basic(header.as_bytes()).ok_or_else(OauthError::invalid_client)?;
            // A client_id alone in the form does not authenticate. It is accepted as long as it is the same.
            if id.is_some_and(|id| id != basic.id) {
                Err(twice())
            } else {
                Ok(Some(basic))
            }
        }
        (Some(_), _, Some(_)) => Err(twice()),
        (None, Some(id), Some(secret)) => Ok(Some(Credentials {
            id,
            secret: secret.into(),
        })),
        (None, None, Some(_)) => Err(OauthError::invalid_client()),
        (None, _, None) => Ok(None),
    }
}

fn basic(header: &[u8]) -> Option<Credentials> {
    let (scheme, rest) = header.split_at_checked(header.iter().position(|b| *b == b' ')?)?;
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return None;
    }
    let pair = BASE64.decode(rest.trim_ascii()).ok()?;
    let at = pair.iter().position(|b| *b == b':')?;
    let (id, secret) = pair.split_at_checked(at)?;
    let secret = form::decode(secret.strip_prefix(b":")?)?;
    Some(Credentials {
        id: form::decode(id)?,
        secret: secret.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn found(header: Option<&str>, body: &str) -> Result<Option<(String, String)>, OauthCode> {
        let mut request = TestRequest::post();
        if let Some(header) = header {
            request = request.insert_header((AUTHORIZATION, header));
        }
        let mut form = Form::parse(body.as_bytes()).ok().unwrap();
        credentials(&request.to_http_request(), &mut form)
            .map(|found| found.map(|c| (c.id, c.secret.expose_secret().to_owned())))
            .map_err(|error| error.code())
    }

    fn encoded(pair: &str) -> String {
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
    }

    #[test]
    fn basic_credentials_are_form_decoded() {
        let some = |id: &str, secret: &str| Ok(Some((id.to_owned(), secret.to_owned())));
        assert_eq!(
            found(Some(&encoded("svc%2D1:a%2Bb+c%3A")), ""),
            some("svc-1", "a+b c:")
        );
        assert_eq!(
            found(Some(&encoded("svc:with:colon")), ""),
            some("svc", "with:colon")
        );
        assert_eq!(
            found(Some(encoded("svc:s").trim_end_matches('=')), ""),
            some("svc", "s")
        );
        assert_eq!(
            found(Some(&encoded("svc:s").replace("Basic", "BASIC")), ""),
            some("svc", "s")
        );
        assert_eq!(found(None, "client_id=svc&client_secret=s%2B"), some("svc", "s+"));
        assert_eq!(found(None, "client_id=svc"), Ok(None));
        assert_eq!(found(None, "client_id=&client_secret="), Ok(None));
    }

    #[test]
    fn two_methods_at_once_are_refused() {
        let basic = encoded("svc:s");
        assert_eq!(
            found(Some(&basic), "client_id=svc&client_secret=s"),
            Err(OauthCode::InvalidRequest)
        );
        assert_eq!(
            found(Some(&basic), "client_id=other"),
            Err(OauthCode::InvalidRequest)
        );
        assert!(found(Some(&basic), "client_id=svc").is_ok());
    }

    #[test]
    fn credentials_that_are_none_are_an_invalid_client() {
        for bad in [
            "Basic",
            "Basic ",
            "Basic !!!",
            "Bearer a.b",
            &encoded("nocolon"),
            &encoded("a%ff:b"),
        ] {
            assert_eq!(found(Some(bad), ""), Err(OauthCode::InvalidClient), "{bad}");
        }
        assert_eq!(found(None, "client_secret=s"), Err(OauthCode::InvalidClient));
    }
}
