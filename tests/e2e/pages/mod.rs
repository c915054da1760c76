//! The pages, as a browser sees them: the answers, the cookies, and what a form may do.

mod account;
mod admin;
mod forms;
mod recovering;
mod serving;
mod signing_in;
mod staying;

use tests::Answer;

/// The path that an answer redirects to.
#[track_caller]
fn leads_to(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.text);
    answer.header("location").unwrap().to_owned()
}
