//! `/admin`: figures about the service: users, activity, queued mails, and what the limits refused.

use super::chart::{Chart, Range};
use crate::{
    http::{permission::StatsRead, problem::Problem},
    pages::{
        access::{View, WithPermission},
        layout::Layout,
        render::Moment,
        texts::Texts,
    },
};
use actix_web::{HttpResponse, http::StatusCode};
use askama::Template;
use auth_domain::user::UserStatus;
use auth_service::{ActivityCount, ActivityKind, ConfiguredLimits, Stats};
use std::time::Duration;

/// A limit, and what it refused.
struct LimitRow {
    name: &'static str,
    allows: String,
    refused: u64,
}

#[derive(Template)]
#[template(path = "admin/overview.html")]
struct OverviewPage<'a> {
    layout: Layout<'a>,
    stats: Stats,
    range: Range,
    charts: [Chart; 3],
    limits: Vec<LimitRow>,
}

impl OverviewPage<'_> {
    fn counted(&self) -> Moment {
        Moment(self.stats.counted_at)
    }

    fn active(&self) -> u64 {
        self.stats.users_of(Some(UserStatus::Active))
    }

    /// The text for a status in the figures.
    fn status<'a>(&'a self, status: &'a str) -> &'a str {
        match status {
            "active" => &self.layout.t.active,
            "disabled" => &self.layout.t.disabled,
            status => status,
        }
    }

    /// What the charts show, as a table: when each bar begins, and its numbers.
    fn numbers(&self) -> Vec<(Moment, Vec<u64>)> {
        let [first, others @ ..] = &self.charts;
        let row = |(at, bar): (usize, &super::chart::Bar)| {
            let beside = others
                .iter()
                .map(|chart| chart.bars.get(at).map_or(0, |bar| bar.count));
            (bar.from, std::iter::once(bar.count).chain(beside).collect())
        };
        first.bars.iter().enumerate().map(row).collect()
    }

    /// A range's address and label, and whether it is the current one.
    fn ranges(&self) -> [(String, &str, bool); 3] {
        let t = self.layout.t;
        Range::ALL.map(|range| {
            let label = match range {
                Range::Day => &t.chart_day,
                Range::Week => &t.chart_week,
                Range::Month => &t.chart_month,
            };
            let address = self.layout.at(&format!("/admin?range={}", range.as_str()));
            (address, label.as_ref(), range == self.range)
        })
    }
}

/// Shows the figures.
pub(super) async fn show(View(admin): View<WithPermission<StatsRead>>) -> Result<HttpResponse, Problem> {
    let context = &admin.context;
    let (t, now) = (context.texts(), context.now());
    let range = Range::of(&context.query().single("range")?.unwrap_or_default());
    let activity = context.service.activity(range.begin(now)).await?;
    let chart = |kind: &ActivityKind, id, title: &str| {
        let counts = activity
            .iter()
            .filter(|one| one.kind == *kind)
            .map(|one| (one.hour, one.count));
        Chart::of(id, title, *kind == ActivityKind::SignInFailed, counts, range, now)
    };
    let page = OverviewPage {
        layout: context.layout(&t.nav_overview)?,
        stats: context.service.stats(now).await?,
        range,
        charts: [
            chart(&ActivityKind::SignIn, "sign_in", &t.chart_sign_ins),
            chart(&ActivityKind::SignInFailed, "sign_in_failed", &t.chart_failures),
            chart(&ActivityKind::Refresh, "refresh", &t.chart_refreshes),
        ],
        limits: limits(&context.service.configured_limits(), &activity, t),
    };
    context.answer(StatusCode::OK, &page)
}

/// One row per limit; none if limits are off.
fn limits(configured: &ConfiguredLimits, activity: &[ActivityCount], t: &Texts) -> Vec<LimitRow> {
    let shown = configured.limits.iter().filter(|_| configured.enabled);
    shown
        .map(|limit| {
            let allows = t.fill(&t.limits_allowance, "burst", limit.burst.to_string());
            let refused = |one: &&ActivityCount| one.kind == ActivityKind::Refused(limit.name);
            LimitRow {
                name: limit.name.as_str(),
                allows: t.fill(&allows, "per", words(limit.per, t)),
                refused: activity.iter().filter(refused).map(|one| one.count).sum(),
            }
        })
        .collect()
}

/// A duration in words.
fn words(span: Duration, t: &Texts) -> String {
    let (text, n) = match span.as_secs() {
        seconds if seconds > 0 && seconds.is_multiple_of(3600) => (&t.hours, seconds / 3600),
        seconds if seconds > 0 && seconds.is_multiple_of(60) => (&t.minutes, seconds / 60),
        seconds => (&t.seconds, seconds),
    };
    t.fill(text, "n", n.to_string())
}
