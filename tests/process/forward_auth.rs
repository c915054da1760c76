//! Keyward in front of an application: nginx with the shipped configuration, and a service that verifies tokens by itself.

use serde_json::json;
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
};
use tests::{Backend, Client, Database, PASSWORD, Server, eventually, free_port, service};

/// An application that answers with the headers that it received.
fn application() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut headers = Vec::new();
            for line in BufReader::new(&stream).lines() {
                match line {
                    Ok(line) if !line.is_empty() => headers.push(line),
                    _ => break,
                }
            }
            let body = headers.join("\n");
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    port
}

struct Nginx {
    child: Child,
    _folder: tempfile::TempDir,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// nginx with the shipped configuration, its three ports replaced.
fn nginx(keyward: &str, application: u16, listen: u16) -> Nginx {
    let folder = tempfile::tempdir().unwrap();
    let shipped = include_str!("../../deploy/nginx.conf");
    let config = shipped
        .replace("127.0.0.1:8080", keyward)
        .replace("127.0.0.1:9000", &format!("127.0.0.1:{application}"))
        .replace("127.0.0.1:8088", &format!("127.0.0.1:{listen}"))
        .replace("daemon off;", "daemon off;\nmaster_process off;");
    let file = folder.path().join("nginx.conf");
    fs::write(&file, config).unwrap();
    let child = Command::new(service("KEYWARD_TEST_NGINX"))
        .args(["-e", "stderr", "-p"])
        .arg(folder.path())
        .arg("-c")
        .arg(&file)
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    eventually("nginx listens", || {
        TcpStream::connect(("127.0.0.1", listen)).is_ok()
    });
    Nginx {
        child,
        _folder: folder,
    }
}

async fn through(origin: &str, path: &str, bearer: Option<&str>) -> tests::Answer {
    let http = reqwest::Client::new();
    let request = http
        .get(format!("{origin}{path}"))
        .header("X-Auth-User", "forged")
        .header("X-Auth-Email", "forged@example.com")
        .header("X-Auth-Role", "admin");
    let request = match bearer {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    Client::new(origin).send(request).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nginx_admits_signed_in_users_and_passes_their_identity_to_the_application() {
    let database = Database::create(Backend::Sqlite);
    let server = Server::start(&database, &[]);
    let listen = free_port();
    let _nginx = nginx(
        server.origin().trim_start_matches("http://"),
        application(),
        listen,
    );
    let origin = format!("http://127.0.0.1:{listen}");
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let answer = server.client().post("/register", &body).await.expect(201);
    let (access, id) = (
        answer.field("access_token"),
        answer.json()["user"]["id"].as_str().unwrap().to_owned(),
    );
    let seen = through(&origin, "/page", Some(&access))
        .await
        .expect(200)
        .text
        .to_lowercase();
    assert!(
        seen.contains(&format!("x-auth-user: {id}")) && seen.contains("x-auth-email-verified: false"),
        "{seen}"
    );
    assert!(
        !seen.contains("x-auth-email:"),
        "an unconfirmed address is no identity: {seen}"
    );
    assert!(
        seen.contains("x-auth-role: user") && !seen.contains("forged"),
        "{seen}"
    );
    assert!(
        !seen.contains(&access.to_lowercase()),
        "the token stays at the door"
    );
    assert_eq!(through(&origin, "/page", None).await.status, 401);
    for spelling in [
        "/admin/",
        "/admin",
        "/ADMIN/x",
        "/admin;x",
        "/%61dmin%3bx/y",
        "//Admin/",
        "/x/../admin/",
        "/admin.json",
    ] {
        let answer = through(&origin, spelling, Some(&access)).await;
        assert_eq!(answer.status, 403, "{spelling}: {}", answer.text);
    }
    through(&origin, "/administrator", Some(&access))
        .await
        .expect(200);
    server
        .client()
        .with_bearer(&access)
        .post_nothing("/logout")
        .await
        .expect(200);
    assert_eq!(through(&origin, "/page", Some(&access)).await.status, 401);
    drop(server);
    assert_eq!(
        through(&origin, "/page", Some(&access)).await.status,
        503,
        "an outage is not a refusal"
    );
}

/// Runs the documented example over a token.
fn check_token(arguments: &[&str], token: &str) -> (bool, String) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/check_token.py");
    let mut child = Command::new(service("KEYWARD_TEST_PYTHON"))
        .arg(script)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(token.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    (output.status.success(), said)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_service_verifies_tokens_with_the_published_keys() {
    let database = Database::create(Backend::Sqlite);
    for algorithm in ["ES256", "EdDSA", "RS256"] {
        let database = if algorithm == "ES256" {
            &database
        } else {
            &Database::create(Backend::Sqlite)
        };
        let server = Server::start(database, &[("KEYWARD__TOKENS__ALGORITHM", algorithm)]);
        let body = json!({ "email": "ada@example.com", "password": PASSWORD });
        let answer = server.client().post("/register", &body).await.expect(201);
        let id = answer.json()["user"]["id"].as_str().unwrap().to_owned();
        let jwks = server.client().url("/.well-known/jwks.json");
        let issuer = server.origin();
        let (holds, said) = check_token(&[&jwks, issuer, "keyward"], &answer.field("access_token"));
        assert!(holds && said.contains(&id), "{algorithm}: {said}");
        assert!(said.contains("(no confirmed address)"), "{algorithm}: {said}");
        let (holds, said) = check_token(&[&jwks, issuer, "another"], &answer.field("access_token"));
        assert!(!holds, "{said}");
        let (holds, said) = check_token(&[&jwks, issuer, "keyward"], &answer.field("refresh_token"));
        assert!(!holds, "{said}");
    }
}
