//! The rest of a request's body that a route does not read. The rule: the connection then closes after the answer, and the server does
//! not wait for a rest that may never come.
//!
//! actix does so where the length is announced. The rest of a chunked body it reads and drops, without a limit of size or time, once
//! the route has dropped the body: a client that withholds it would keep its connection for ever. So the answer keeps such a body
//! until it has been sent.

use actix_web::{
    HttpMessage,
    body::{BodySize, BoxBody, MessageBody},
    dev::{Payload, ServiceRequest},
    error::PayloadError,
    http::header::TRANSFER_ENCODING,
    web::Bytes,
};
use futures::Stream;
use std::{
    cell::RefCell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

/// A chunked body, which the route reads and the answer keeps.
#[derive(Clone)]
pub struct UnreadBody(Rc<RefCell<Payload>>);

impl UnreadBody {
    /// Keeps the request's body if it is chunked.
    pub fn of(request: &mut ServiceRequest) -> Option<Self> {
        if !request.headers().contains_key(TRANSFER_ENCODING) {
            return None;
        }
        let held = Self(Rc::new(RefCell::new(request.take_payload())));
        request.set_payload(Payload::Stream {
            payload: Box::pin(held.clone()),
        });
        Some(held)
    }

    /// The body of an answer that keeps the request's.
    pub fn held_by<B: MessageBody + 'static>(self, body: B) -> BoxBody {
        BoxBody::new(Holding {
            body: BoxBody::new(body),
            _unread: self,
        })
    }
}

impl Stream for UnreadBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(context)
    }
}

struct Holding {
    body: BoxBody,
    _unread: UnreadBody,
}

impl MessageBody for Holding {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}
