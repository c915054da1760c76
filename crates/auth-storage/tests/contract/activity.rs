//! Activity counts by the hour. The rule: additions of all nodes add up, and counts are read in order.

use crate::{builders::t0, fixture::all};
use auth_domain::time::Span;
use auth_storage::activity;

fn count(hour: i64, kind: &str, count: u64) -> activity::HourCount {
    activity::HourCount {
        hour: t0() + Span::hours(hour),
        kind: kind.to_owned(),
        count,
    }
}

on_both! {
    fn counts_add_up_and_are_returned_by_hour_and_kind(fixture) {
        fixture.db.add_activity(vec![]).await.unwrap();
        assert_eq!(fixture.db.activity_since(t0()).await.unwrap(), []);
        fixture.db.add_activity(vec![count(1, "refused.per_user", 1), count(0, "sign_in_failed", 2), count(1, "refresh", 3)]).await.unwrap();
        fixture.db.add_activity(vec![count(0, "sign_in_failed", 40), count(0, "sign_in", 5), count(1, "refresh", 600), count(2, "refresh", 0)]).await.unwrap();
        let all = [count(0, "sign_in", 5), count(0, "sign_in_failed", 42), count(1, "refresh", 603), count(1, "refused.per_user", 1)];
        assert_eq!(fixture.db.activity_since(t0()).await.unwrap(), all);
        assert_eq!(fixture.db.activity_since(t0() + Span::hours(1)).await.unwrap(), all[2..]);
        assert_eq!(fixture.db.activity_since(t0() + Span::hours(1) + Span::seconds(1)).await.unwrap(), []);
    }

    /// Nodes that write at the same time lose no count, and do not deadlock.
    fn concurrent_additions_are_all_counted(fixture) {
        let kinds = ["sign_in", "refresh", "sign_in_failed"];
        let adding = (0..24).map(|n| {
            let db = fixture.db.clone();
            tokio::spawn(async move {
                let mut mine: Vec<activity::HourCount> = (0..2).flat_map(|hour| kinds.map(|kind| count(hour, kind, 1))).collect();
                mine.rotate_left(n % 6);
                db.add_activity(mine).await.unwrap();
            })
        });
        all(adding).await;
        let sums = fixture.db.activity_since(t0()).await.unwrap();
        assert_eq!(sums.iter().map(|sum| sum.count).collect::<Vec<_>>(), [24; 6]);
    }

    fn if_one_count_overflows_none_is_added(fixture) {
        fixture.db.add_activity(vec![count(1, "refresh", u64::MAX)]).await.unwrap();
        fixture.db.add_activity(vec![count(0, "sign_in", 1), count(1, "refresh", 1)]).await.unwrap_err();
        assert_eq!(fixture.db.activity_since(t0()).await.unwrap(), [count(1, "refresh", i64::MAX as u64)]);
    }
}
