//! Bare actix servers. Each does only the one thing that a route of the product can't avoid, so its rate is the limit that the framework,
//! the load generator and that one thing set. They run as separate processes, like the product.

use crate::{BenchResult, http::Http, paths};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, http::header::AUTHORIZATION, web};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use redis::{AsyncConnectionConfig, aio::MultiplexedConnection};
use serde::Deserialize;
use std::{
    process::{Child, Command, Stdio},
    time::Instant,
};

/// What a bare server does for each request.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Kind {
    /// Verifies the ES256 signature of the bearer token, without a cache.
    Signature {
        /// The product's key set (JWKS).
        #[arg(long)]
        jwks: String,
        /// The id of the key that signed the tokens.
        #[arg(long)]
        kid: String,
    },
    /// Makes the round trip of a check to Redis: one MGET of four keys.
    RoundTrip {
        /// The URL of Redis.
        #[arg(long)]
        redis: String,
    },
}

/// Claims that are parsed because the product has to parse them as well.
#[derive(Deserialize)]
struct Claims {
    sub: String,
}

impl Kind {
    /// The arguments that start a server of this kind. They are of the form `--name=value`, because a thumbprint in base64url may begin with a
    /// dash and would be read as an option.
    fn arguments(&self) -> Vec<String> {
        match self {
            Self::Signature { jwks, kid } => {
                vec![
                    "signature".to_owned(),
                    format!("--jwks={jwks}"),
                    format!("--kid={kid}"),
                ]
            }
            Self::RoundTrip { redis } => vec!["round-trip".to_owned(), format!("--redis={redis}")],
        }
    }
}

struct Verifier {
    key: DecodingKey,
    validation: Validation,
}

async fn verify(request: HttpRequest, verifier: web::Data<Verifier>) -> HttpResponse {
    let header = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let Some(token) = header.and_then(|value| value.strip_prefix("Bearer ")) else {
        return HttpResponse::Unauthorized().finish();
    };
    match jsonwebtoken::decode::<Claims>(token, &verifier.key, &verifier.validation) {
        Ok(token) if !token.claims.sub.is_empty() => HttpResponse::NoContent().finish(),
        _ => HttpResponse::Unauthorized().finish(),
    }
}

/// The four keys of a check. None exists, as for a token that was not revoked.
const KEYS: [&str; 4] = [
    "keyward:{blacklist}:token:01995e8a-0000-7000-8000-000000000001",
    "keyward:{blacklist}:session:01995e8a-0000-7000-8000-000000000002",
    "keyward:{blacklist}:user:01995e8a-0000-7000-8000-000000000003",
    "keyward:{blacklist}:sentinel",
];

async fn round_trip(connection: web::Data<MultiplexedConnection>) -> HttpResponse {
    let mut connection = connection.get_ref().clone();
    let answer = redis::cmd("MGET")
        .arg(&KEYS)
        .query_async::<[Option<Vec<u8>>; 4]>(&mut connection)
        .await;
    match answer {
        Ok([None, None, None, _]) => HttpResponse::NoContent().finish(),
        _ => HttpResponse::ServiceUnavailable().finish(),
    }
}

async fn live() -> HttpResponse {
    HttpResponse::Ok().finish()
}

/// Serves on a free port until the process is killed, with as many workers as the product.
///
/// # Errors
/// If the server can't start.
#[expect(
    clippy::disallowed_methods,
    reason = "the bare server has routes of its own, which are measured beside those of Keyward"
)]
pub async fn serve(kind: Kind) -> BenchResult<()> {
    let address = ("127.0.0.1", 0);
    match kind {
        Kind::Signature { jwks, kid } => {
            let set: JwkSet = serde_json::from_str(&jwks)?;
            let jwk = set.find(&kid).ok_or("the key set has no such key")?;
            let mut validation = Validation::new(Algorithm::ES256);
            validation.required_spec_claims.clear();
            validation.validate_exp = false;
            validation.validate_aud = false;
            let verifier = web::Data::new(Verifier {
                key: DecodingKey::from_jwk(jwk)?,
                validation,
            });
            let app = move || {
                App::new()
                    .app_data(verifier.clone())
                    .route("/live", web::get().to(live))
                    .route("/verify", web::get().to(verify))
            };
            HttpServer::new(app).bind(address)?.run().await?;
        }
        Kind::RoundTrip { redis } => {
            // The same buffer as in the product: many commands may be queued.
            let config = AsyncConnectionConfig::new()
                .set_response_timeout(None)
                .set_pipeline_buffer_size(1024);
            let connection = redis::Client::open(redis)?
                .get_multiplexed_async_connection_with_config(&config)
                .await?;
            let connection = web::Data::new(connection);
            let app = move || {
                App::new()
                    .app_data(connection.clone())
                    .route("/live", web::get().to(live))
                    .route("/verify", web::get().to(round_trip))
            };
            HttpServer::new(app).bind(address)?.run().await?;
        }
    }
    Ok(())
}

/// A bare server in a separate process, which is killed on drop.
pub struct BareServer {
    child: Child,
    /// Its origin, such as `http://127.0.0.1:8080`.
    pub origin: String,
}

impl BareServer {
    /// Starts a server and waits until it answers.
    ///
    /// # Errors
    /// If it does not answer.
    pub fn start(kind: &Kind, http: &Http) -> BenchResult<Self> {
        let mut command = Command::new(paths::built("bench")?);
        command.arg("bare");
        command.args(kind.arguments());
        let begun = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        let mut bare = Self {
            child,
            origin: String::new(),
        };
        // Its own error message is on the terminal already.
        (bare.origin, _) = http
            .until_ok(&mut bare.child, "/live", begun)
            .map_err(|error| format!("the bare server: {error}"))?;
        Ok(bare)
    }
}

impl Drop for BareServer {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        kind: Kind,
    }

    #[test]
    fn a_key_whose_thumbprint_begins_with_a_dash_is_understood() {
        let signature = Kind::Signature {
            jwks: "{}".to_owned(),
            kid: "-W7x".to_owned(),
        };
        let line = ["bare".to_owned()].into_iter().chain(signature.arguments());
        let read = Line::try_parse_from(line).unwrap().kind;
        assert!(matches!(read, Kind::Signature { kid, .. } if kid == "-W7x"));
    }
}
