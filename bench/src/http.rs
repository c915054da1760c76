//! A well-kept HTTP client for what is not measured: waiting for readiness, making users.

use crate::{Outcome, listener};
use serde_json::Value;
use std::{
    process::Child,
    time::{Duration, Instant},
};

/// How long a server may take to be ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// The client, with a runtime of its own: the harness itself runs one thing at a time.
pub struct Http {
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
}

impl Http {
    /// One client.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn new() -> Outcome<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { runtime, client })
    }

    /// Waits until a child listens and answers 200 at the path; says its origin, and how long that took since `begun`.
    ///
    /// # Errors
    /// If it ends instead, or does not within a minute.
    pub fn until_ok(&self, child: &mut Child, path: &str, begun: Instant) -> Outcome<(String, Duration)> {
        let mut origin = None;
        self.runtime.block_on(async {
            let mut tick = tokio::time::interval(Duration::from_millis(1));
            loop {
                tick.tick().await;
                if let Some(status) = child.try_wait()? {
                    return Err(format!("it ended before it was ready: {status}").into());
                }
                if origin.is_none() {
                    origin = listener::port_of(child.id())?.map(|port| format!("http://127.0.0.1:{port}"));
                }
                if let Some(origin) = &origin
                    && let Ok(answer) = self.client.get(format!("{origin}{path}")).send().await
                    && answer.status() == 200
                {
                    return Ok((origin.clone(), begun.elapsed()));
                }
                if begun.elapsed() > PATIENCE {
                    return Err(format!("{path} is not ready after {PATIENCE:?}").into());
                }
            }
        })
    }

    /// Lets some time pass.
    pub fn rest(&self, time: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(time).await });
    }

    /// The body of a GET.
    ///
    /// # Errors
    /// If it is not answered with 200.
    pub fn get(&self, url: &str) -> Outcome<String> {
        self.runtime.block_on(async {
            let answer = self.client.get(url).send().await?.error_for_status()?;
            Ok(answer.text().await?)
        })
    }

    /// One request, a POST if it has a body, and how long its answer took.
    ///
    /// # Errors
    /// If it is not answered with 200.
    pub fn timed(&self, url: &str, bearer: Option<&str>, body: Option<&Value>) -> Outcome<(Value, Duration)> {
        let request = match body {
            Some(body) => self.client.post(url).json(body),
            None => self.client.get(url),
        };
        let request = match bearer {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        self.runtime.block_on(async {
            let begun = Instant::now();
            let answer = request.send().await?.error_for_status()?;
            let text = answer.text().await?;
            let took = begun.elapsed();
            Ok((serde_json::from_str(&text)?, took))
        })
    }

    /// Posts each body, some at a time, and gives the answers in order.
    ///
    /// # Errors
    /// The first answer that has not the status.
    pub fn post_all(&self, url: &str, bodies: &[Value], status: u16, at_once: usize) -> Outcome<Vec<Value>> {
        use futures::{StreamExt as _, TryStreamExt as _};
        let one = |body: &Value| {
            let request = self.client.post(url).json(body);
            async move {
                let answer = request.send().await?;
                let got = answer.status().as_u16();
                let text = answer.text().await?;
                if got == status {
                    Ok::<Value, crate::Fault>(serde_json::from_str(&text)?)
                } else {
                    Err(format!("{url} answered {got}: {text}").into())
                }
            }
        };
        self.runtime.block_on(
            futures::stream::iter(bodies.iter().map(one))
                .buffered(at_once)
                .try_collect(),
        )
    }
}
