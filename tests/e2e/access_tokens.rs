//! Access tokens: which are accepted and which are not (RFC 8725, RFC 9068, RFC 6750).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Builder, TestApp, User, on_every_backend};

fn part(token: &str, number: usize) -> Value {
    let part = token.split('.').nth(number).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

async fn code(app: &TestApp, token: &str) -> (u16, String) {
    let answer = app.anonymous().with_bearer(token).get("/me").await;
    (answer.status, answer.code())
}

/// Signs claims with HS256, the header as given.
fn hs256(header: &Header, claims: &Value, secret: &[u8]) -> String {
    jsonwebtoken::encode(header, claims, &EncodingKey::from_secret(secret)).unwrap()
}

on_every_backend! {
    async fn a_token_holds_the_claims_of_the_contract_and_no_others(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let header = part(&ada.access, 0);
        assert_eq!((header["alg"].as_str(), header["typ"].as_str()), (Some("ES256"), Some("at+jwt")));
        let claims = part(&ada.access, 1);
        let mut names: Vec<&String> = claims.as_object().unwrap().keys().collect();
        names.sort();
        assert_eq!(names, ["aud", "client_id", "email", "email_verified", "exp", "gen", "iat", "iss", "jti", "role", "sid", "sub", "type"]);
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
        assert_eq!((claims["type"].as_str(), claims["client_id"].as_str()), (Some("access"), Some("keyward")));
        let refresh = part(&ada.refresh, 1);
        let lifetime = refresh["exp"].as_i64().unwrap() - refresh["iat"].as_i64().unwrap();
        assert_eq!((lifetime, refresh["type"].as_str()), (30 * 86_400, Some("refresh")));
        assert_eq!(refresh["jti"], format!("{}.0", refresh["sid"].as_str().unwrap()));
    }

    async fn a_server_without_a_public_url_accepts_its_tokens_after_a_start_on_another_port(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        assert_eq!(part(&ada.access, 1)["iss"], app.origin());
        assert_eq!(part(&ada.refresh, 1)["iss"], app.origin());
        let mail = app.mail_containing("ada@example.com", "token=").await;
        assert!(mail.text.contains(&format!("{}/verify-email?token=", app.origin())), "{}", mail.text);
        let before = app.origin();
        let app = app.restarted().await;
        assert_ne!(app.origin(), before);
        app.anonymous().with_bearer(&ada.access).get("/me").await.expect(200);
        let pair = app.refresh(&ada.refresh).await.expect(200);
        assert_eq!(part(&pair.field("access_token"), 1)["iss"], app.origin());
        // The public URL is the issuer: from then on only tokens of this issuer are accepted.
        let app = app.with("server.public_url", "http://localhost:1").await;
        assert_eq!(code(&app, &pair.field("access_token")).await, (401, "invalid_token".to_owned()));
        app.refresh(&pair.field("refresh_token")).await.expect(401);
    }

    async fn unsigned_and_misshapen_tokens_are_invalid(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let [header, claims, signature] = ada.access.split('.').collect::<Vec<_>>().try_into().unwrap();
        let mut wrong = vec![
            String::new(),
            ".".repeat(100_000),
            "x".repeat(100_000),
            format!("{header}.{claims}"),
            format!("{header}.{claims}."),
            format!("{header}.{claims}.{signature}."),
            format!("{header}.{claims}.{signature}="),
            format!("{header}.{claims}.{signature}.{signature}"),
            format!("{header} .{claims}.{signature}"),
        ];
        for alg in ["none", "None", "nOnE", "NONE"] {
            let header = encode(&json!({ "alg": alg, "typ": "at+jwt" }));
            wrong.push(format!("{header}.{claims}."));
            wrong.push(format!("{header}.{claims}.{signature}"));
        }
        for token in wrong {
            let request = app.anonymous().request(Method::GET, "/me").header("Authorization", format!("Bearer {token}"));
            let answer = app.anonymous().send(request).await;
            assert!([400, 401, 431].contains(&answer.status), "{} {}", answer.status, answer.text);
        }
    }

    async fn no_key_or_algorithm_from_the_token_itself_is_used(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let claims = part(&ada.access, 1);
        let kid = part(&ada.access, 0)["kid"].as_str().unwrap().to_owned();
        let jwks = app.anonymous().get("/.well-known/jwks.json").await.text;
        let jwk = serde_json::from_str::<Value>(&jwks).unwrap()["keys"][0].clone();
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some("at+jwt".to_owned());
        for kid in [None, Some(kid.clone()), Some("../../dev/null".to_owned()), Some("' OR 1=1 --".to_owned())] {
            header.kid = kid;
            for secret in [jwks.as_bytes(), jwk.to_string().as_bytes(), jwk["x"].as_str().unwrap().as_bytes(), b""] {
                assert_eq!(code(&app, &hs256(&header, &claims, secret)).await, (401, "invalid_token".to_owned()));
            }
        }
        let [_, body, signature] = ada.access.split('.').collect::<Vec<_>>().try_into().unwrap();
        for extra in [json!({ "jwk": jwk }), json!({ "jku": "http://127.0.0.1:1/" }), json!({ "x5u": "http://127.0.0.1:1/" }), json!({ "crit": ["b64"], "b64": false }), json!({ "zip": "DEF" })] {
            let mut header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": kid });
            header.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            let token = format!("{}.{body}.{signature}", encode(&header));
            assert_eq!(code(&app, &token).await, (401, "invalid_token".to_owned()), "{header}");
        }
    }

    async fn an_access_token_is_no_refresh_token_and_the_reverse(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        assert_eq!(code(&app, &ada.refresh).await, (401, "invalid_token".to_owned()));
        assert_eq!(app.refresh(&ada.access).await.expect(401).code(), "invalid_token");
    }

    async fn with_a_shared_secret_every_claim_is_still_checked(backend) {
        let secret = "a shared secret of the older services, 32 bytes and more";
        let app = Builder::new(backend).set("tokens.algorithm", "HS256").set("tokens.secret", secret).start().await;
        let ada = app.user("ada").await;
        ada.client.get("/me").await.expect(200);
        let good = part(&ada.access, 1);
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some("at+jwt".to_owned());
        let as_the_server = app.anonymous().with_bearer(&hs256(&header, &good, secret.as_bytes()));
        as_the_server.get("/me").await.expect(200);
        // A newer node writes one more claim; this one ignores it (RFC 7519 §4).
        let mut later = good.clone();
        later["of_a_later_release"] = json!({ "role": "admin", "exp": 1 });
        later["role_of_a_later_release"] = json!("admin");
        let from_a_newer_node = app.anonymous().with_bearer(&hs256(&header, &later, secret.as_bytes()));
        assert_eq!(from_a_newer_node.get("/me").await.expect(200).json()["role"], "user");
        let changed = |name: &str, value: Value| {
            let mut claims = good.clone();
            claims[name] = value;
            claims
        };
        let now = good["iat"].as_i64().unwrap();
        let mut wrong = vec![
            (changed("iss", json!("https://elsewhere.example")), "invalid_token"),
            (changed("aud", json!("other")), "invalid_token"),
            (changed("aud", json!(["other"])), "invalid_token"),
            (changed("exp", json!(now.to_string())), "invalid_token"),
            (changed("exp", json!(-1)), "invalid_token"),
            (changed("exp", json!(null)), "invalid_token"),
            (changed("iat", json!(now + 60)), "invalid_token"),
            (changed("type", json!("refresh")), "invalid_token"),
            (changed("nbf", json!(now + 60)), "invalid_token"),
            (changed("nbf", json!(now.to_string())), "invalid_token"),
        ];
        let mut old = changed("exp", json!(now - 6));
        old["iat"] = json!(now - 100);
        wrong.push((old, "token_expired"));
        for name in good.as_object().unwrap().keys().filter(|name| *name != "email_verified") {
            let mut claims = good.clone();
            claims.as_object_mut().unwrap().remove(name);
            wrong.push((claims, "invalid_token"));
        }
        for (claims, expected) in wrong {
            let token = hs256(&header, &claims, secret.as_bytes());
            assert_eq!(code(&app, &token).await, (401, expected.to_owned()), "{claims}");
        }
        for typ in [None, Some("JWT"), Some("rt+jwt")] {
            header.typ = typ.map(str::to_owned);
            assert_eq!(code(&app, &hs256(&header, &good, secret.as_bytes())).await.0, 401, "{typ:?}");
        }
        let jwks = app.anonymous().get("/.well-known/jwks.json").await.expect(200);
        assert_eq!(jwks.json(), json!({ "keys": [] }));
    }

    async fn a_token_expires_after_the_leeway(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        app.clock.advance(auth_domain::time::Span::seconds(3604));
        ada.client.get("/me").await.expect(200);
        app.clock.advance(auth_domain::time::Span::seconds(1));
        assert_eq!(code(&app, &ada.access).await, (401, "token_expired".to_owned()));
    }

    async fn a_token_of_another_deployment_is_invalid(backend) {
        let (here, there) = (TestApp::start(backend).await, TestApp::start(backend).await);
        let ada: User = there.user("ada").await;
        assert_eq!(code(&here, &ada.access).await, (401, "invalid_token".to_owned()));
        assert_eq!(here.refresh(&ada.refresh).await.expect(401).code(), "invalid_token");
    }

    async fn the_authorization_header_is_read_as_rfc_6750_says(backend) {
        let app = TestApp::start(backend).await;
        let ada = app.user("ada").await;
        let client = app.anonymous();
        let with = async |value: String| client.send(client.request(Method::GET, "/me").header("Authorization", value)).await;
        for scheme in ["Bearer", "bearer", "BEARER"] {
            with(format!("{scheme} {}", ada.access)).await.expect(200);
        }
        for scheme in ["Token", "Basic"] {
            with(format!("{scheme} {}", ada.access)).await.expect(401);
        }
        let twice = client.request(Method::GET, "/me").header("Authorization", format!("Bearer {}", ada.access));
        let twice = twice.header("Authorization", format!("Bearer {}", ada.access));
        client.send(twice).await.expect(400);
        let in_query = client.get(&format!("/me?access_token={}", ada.access)).await.expect(422);
        assert_eq!((in_query.code().as_str(), in_query.text.contains(&ada.access)), ("unknown_parameter", false), "and it is not repeated");
        let missing = client.get("/me").await.expect(401);
        assert!(!missing.header("www-authenticate").unwrap().contains("error"));
    }
}
