//! The pages that people use, as a browser meets them: what is answered, what is kept in cookies, what a form may do.

mod account;
mod admin;
mod forms;
mod recovering;
mod serving;
mod signing_in;
mod staying;

use tests::Answer;

/// Where an answer leads.
#[track_caller]
fn leads_to(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.text);
    answer.header("location").unwrap().to_owned()
}
