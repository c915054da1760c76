//! A refresh of a browser, whose tabs share one cookie jar (behaviour.md §3): no route of the API does it.

use auth_domain::{audit::Action, time::Span};
use auth_service::{AuditFilter, Error, PageRequest, Tokens};
use secrecy::ExposeSecret;
use tests::{Backend, Builder, TestApp, on_every_backend};

/// A server that is as strict as it can be with clients that keep their tokens themselves.
async fn strict(backend: Backend) -> TestApp {
    Builder::new(backend)
        .set("rotation.on_concurrent", "refuse")
        .set("rotation.reuse_leeway", "0s")
        .set("audit.record_refreshes", "true")
        .start()
        .await
}

async fn refresh(app: &TestApp, token: &str) -> Result<Tokens, Error> {
    app.service().refresh_for_browser(&app.somebody(), token).await
}

fn next_of(tokens: &Tokens) -> String {
    tokens.refresh_token.expose_secret().to_owned()
}

/// The rotation numbers that the audit log tells of, each once.
async fn rotations(app: &TestApp) -> Vec<String> {
    let filter = AuditFilter {
        action: Some(Action::Refreshed),
        ..AuditFilter::default()
    };
    let page = PageRequest {
        after: None,
        limit: 100,
    };
    let noted = app.service().admin().audit(filter, page).await.unwrap();
    let mut numbers: Vec<String> = noted
        .iter()
        .map(|event| event.details["number"].clone())
        .collect();
    numbers.sort();
    numbers.dedup();
    numbers
}

on_every_backend! {
    async fn twenty_tabs_at_once_get_one_successor(backend) {
        let app = strict(backend).await;
        let ada = app.user("ada").await;
        let all = futures::future::join_all((0..20).map(|_| refresh(&app, &ada.refresh))).await;
        let mut next: Vec<String> = all.iter().map(|tokens| next_of(tokens.as_ref().unwrap())).collect();
        next.dedup();
        assert_eq!(next.len(), 1, "one successor");
        assert_eq!(rotations(&app).await, ["1"], "one rotation");
        for tokens in all {
            app.anonymous().with_bearer(tokens.unwrap().access_token.expose_secret()).get("/me").await.expect(200);
        }
        app.clock.advance(Span::seconds(31));
        refresh(&app, &next[0]).await.unwrap();
    }

    async fn a_tab_that_was_under_way_for_half_a_minute_gets_the_successor(backend) {
        let app = strict(backend).await;
        let ada = app.user("ada").await;
        let first = refresh(&app, &ada.refresh).await.unwrap();
        app.clock.advance(Span::seconds(30));
        assert_eq!(next_of(&refresh(&app, &ada.refresh).await.unwrap()), next_of(&first));
    }

    async fn a_cookie_that_comes_back_later_is_a_copy_and_ends_the_session(backend) {
        let app = strict(backend).await;
        let ada = app.user("ada").await;
        let next = refresh(&app, &ada.refresh).await.unwrap();
        // A Repeat does not extend the time.
        app.clock.advance(Span::seconds(20));
        refresh(&app, &ada.refresh).await.unwrap();
        app.clock.advance(Span::seconds(11));
        let reused = refresh(&app, &ada.refresh).await.unwrap_err();
        assert!(matches!(reused, Error::TokenAlreadyUsed), "{reused:?}");
        let ended = refresh(&app, &next_of(&next)).await.unwrap_err();
        assert!(matches!(ended, Error::TokenRevoked), "{ended:?}");
    }

    async fn a_token_that_the_api_has_taken_is_a_tabs_for_half_a_minute_and_then_a_copy(backend) {
        let app = strict(backend).await;
        let ada = app.user("ada").await;
        let next = app.refresh(&ada.refresh).await.expect(200).field("refresh_token");
        app.clock.advance(Span::seconds(29));
        assert_eq!(next_of(&refresh(&app, &ada.refresh).await.unwrap()), next);
        app.clock.advance(Span::seconds(2));
        let reused = refresh(&app, &ada.refresh).await.unwrap_err();
        assert!(matches!(reused, Error::TokenAlreadyUsed), "{reused:?}");
        assert_eq!(app.refresh(&next).await.expect(401).code(), "token_revoked");
    }

    async fn the_api_is_as_strict_as_it_is_configured_with_what_a_browser_has_taken(backend) {
        let app = strict(backend).await;
        let ada = app.user("ada").await;
        refresh(&app, &ada.refresh).await.unwrap();
        assert_eq!(app.refresh(&ada.refresh).await.expect(401).code(), "token_already_used");
        let ended = refresh(&app, &ada.refresh).await.unwrap_err();
        assert!(matches!(ended, Error::TokenRevoked), "{ended:?}");
    }

    async fn a_longer_leeway_stays(backend) {
        let app = Builder::new(backend).set("rotation.reuse_leeway", "2m").start().await;
        let ada = app.user("ada").await;
        let first = refresh(&app, &ada.refresh).await.unwrap();
        app.clock.advance(Span::seconds(119));
        assert_eq!(next_of(&refresh(&app, &ada.refresh).await.unwrap()), next_of(&first));
    }
}
