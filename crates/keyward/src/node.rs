//! This process as one of the nodes that serve a database. The rule: it sends a heartbeat before it checks whether it may serve, and then
//! every few seconds, so that no migration takes away what it needs. A node without a heartbeat for a minute (its process or machine was
//! stopped) counts as gone, and no migration waits for it. So the node checks again after each heartbeat.

use crate::{config::Config, schema::settle_schema, start_error::StartError};
use auth_service::Entropy;
use auth_storage::{
    MigrateError, ServeLock, Storage, StorageError,
    nodes::{HEARTBEAT_INTERVAL, Node},
};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

/// The node of this process, from its start to its end.
pub(crate) struct ServingNode {
    storage: Storage,
    node: Node,
    /// Ends the task, also when it is dropped.
    stop: watch::Sender<bool>,
    /// The migration that this version does not know, once it may no longer serve.
    refused: watch::Receiver<Option<String>>,
    task: JoinHandle<()>,
}

impl ServingNode {
    /// Registers as a node of the database, if this version can serve its schema.
    ///
    /// # Errors
    /// [`StartError`], also if a newer version has taken away something that this version needs.
    pub(crate) async fn enter(
        config: &Config,
        storage: &Storage,
        lock: &ServeLock,
        entropy: &dyn Entropy,
    ) -> Result<Self, StartError> {
        let mut random = [0; 16];
        entropy.fill(&mut random).map_err(auth_service::Failure::from)?;
        let node = storage.node(random, env!("CARGO_PKG_VERSION"));
        storage.first_heartbeat(node.clone()).await?;
        if let Err(refused) = settle_schema(config, storage, Some(lock)).await {
            leave(storage, &node).await;
            return Err(refused);
        }
        let (stop, stopped) = watch::channel(false);
        let (refuse, refused) = watch::channel(None);
        let task = tokio::spawn(send_heartbeats(storage.clone(), node.clone(), stopped, refuse));
        Ok(Self {
            storage: storage.clone(),
            node,
            stop,
            refused,
            task,
        })
    }

    /// Waits until this node may no longer serve the schema.
    pub(crate) async fn refused(&self) -> MigrateError {
        let mut refused = self.refused.clone();
        match refused.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(stamp)) => MigrateError::SchemaNewer(stamp.clone()),
            // The task has ended, and with it the node.
            _ => std::future::pending().await,
        }
    }

    /// Unregisters the node, so that nothing waits for it.
    pub(crate) async fn leave(self) {
        self.stop.send_replace(true);
        let _ended = self.task.await;
        leave(&self.storage, &self.node).await;
    }
}

/// Removes the row of the node. After an error, the node counts as gone a minute later anyway.
async fn leave(storage: &Storage, node: &Node) {
    if let Err(error) = storage.remove_node(node.clone()).await {
        tracing::debug!(%error, "the row of this node could not be removed");
    }
}

async fn send_heartbeats(
    storage: Storage,
    node: Node,
    mut stopped: watch::Receiver<bool>,
    refuse: watch::Sender<Option<String>>,
) {
    let mut ticks = interval(HEARTBEAT_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => return,
            _ = ticks.tick() => {}
        }
        match heartbeat_and_check(&storage, &node).await {
            Ok(None) => {}
            Ok(Some(stamp)) => {
                refuse.send_replace(Some(stamp));
            }
            Err(error) => {
                tracing::debug!(%error, "a heartbeat could not be written; the next one follows");
            }
        }
    }
}

/// Sends a heartbeat, and only then checks whether the node may serve: either a contract migration sees the node, or the node sees it.
/// It checks also where the heartbeat failed: a contract may have changed its table.
async fn heartbeat_and_check(storage: &Storage, node: &Node) -> Result<Option<String>, StorageError> {
    let heartbeat = storage.heartbeat(node.clone()).await;
    let refused = storage.schema().await?.refused_for().map(str::to_owned);
    match (refused, heartbeat) {
        (None, Err(error)) => Err(error),
        (refused, _) => Ok(refused),
    }
}
