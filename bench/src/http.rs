//! An HTTP client for everything that is not measured: waiting for readiness, creating users.

use crate::{BenchResult, listener};
use serde_json::Value;
use std::{
    process::Child,
    time::{Duration, Instant},
};

/// How long a server may take to become ready.
const READY_TIMEOUT: Duration = Duration::from_secs(60);

/// The client with its own runtime, because the harness is not asynchronous.
pub struct Http {
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
}

impl Http {
    /// A new client.
    ///
    /// # Errors
    /// If the system refuses the resources.
    pub fn new() -> BenchResult<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { runtime, client })
    }

    /// Waits until a child process listens and answers 200 at the path. Returns its origin and the time since `begun`.
    ///
    /// # Errors
    /// If the process ends, or does not answer within a minute.
    pub fn until_ok(&self, child: &mut Child, path: &str, begun: Instant) -> BenchResult<(String, Duration)> {
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
                if begun.elapsed() > READY_TIMEOUT {
                    return Err(format!("{path} is not ready after {READY_TIMEOUT:?}").into());
                }
            }
        })
    }

    /// Sleeps.
    pub fn sleep(&self, time: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(time).await });
    }

    /// The body of the answer to a GET.
    ///
    /// # Errors
    /// If the answer is an error.
    pub fn get(&self, url: &str) -> BenchResult<String> {
        self.runtime.block_on(async {
            let answer = self.client.get(url).send().await?.error_for_status()?;
            Ok(answer.text().await?)
        })
    }

    /// Sends one request, a POST if there is a body. Returns the answer and its latency.
    ///
    /// # Errors
    /// If the answer is an error.
    pub fn timed(
        &self,
        url: &str,
        bearer: Option<&str>,
        body: Option<&Value>,
    ) -> BenchResult<(Value, Duration)> {
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

    /// POSTs the bodies, `concurrency` at a time, and returns the answers in order.
    ///
    /// # Errors
    /// The first answer with another status.
    pub fn post_all(
        &self,
        url: &str,
        bodies: &[Value],
        status: u16,
        concurrency: usize,
    ) -> BenchResult<Vec<Value>> {
        use futures::{StreamExt as _, TryStreamExt as _};
        let one = |body: &Value| {
            let request = self.client.post(url).json(body);
            async move {
                let answer = request.send().await?;
                let got = answer.status().as_u16();
                let text = answer.text().await?;
                if got == status {
                    Ok::<Value, crate::BenchError>(serde_json::from_str(&text)?)
                } else {
                    Err(format!("{url} answered {got}: {text}").into())
                }
            }
        };
        self.runtime.block_on(
            futures::stream::iter(bodies.iter().map(one))
                .buffered(concurrency)
                .try_collect(),
        )
    }
}
