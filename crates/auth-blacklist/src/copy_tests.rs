//! Tests of the node's copy.
