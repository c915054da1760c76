//! What a route leaves unread of a request's body. The rule: the connection ends with the answer then; nobody waits for a rest
//! that may never come.
//!
//! actix keeps to it where the length is announced. The rest of a chunked body it reads and drops, without end and without a
//! limit of time, once the route has let go of the body: a client that withholds it would keep its connection for ever. So the
//! answer holds on to such a body until it has been sent.

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

/// A chunked body, read by the route and held by the answer.
#[derive(Clone)]
pub struct Unread(Rc<RefCell<Payload>>);

impl Unread {
    /// Holds on to the request's body if it is chunked.
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

    /// An answer's body that holds on to the request's.
    pub fn held_by<B: MessageBody + 'static>(self, body: B) -> BoxBody {
        BoxBody::new(Holding {
            body: BoxBody::new(body),
            _unread: self,
        })
    }
}

impl Stream for Unread {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(context)
    }
}

struct Holding {
    body: BoxBody,
    _unread: Unread,
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
