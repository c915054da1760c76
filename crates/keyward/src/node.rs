//! This process as one of the nodes that serve a database. It sends a heartbeat before it looks whether it may serve, and every few
//! seconds from then on, so that no migration takes away what it needs. A node that sent none for a minute (its process or its machine
//! was stopped) counts as gone, and no migration waits for it. So it looks again after each heartbeat.

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

/// The node that this process is, from its start to its end.
pub(crate) struct ServingNode {
    storage: Storage,
    node: Node,
    /// Dropped, it ends the task, too.
    stop: watch::Sender<bool>,
    /// The stamp that this version would have to know, once it may not serve any longer.
    refused: watch::Receiver<Option<String>>,
    task: JoinHandle<()>,
}

impl ServingNode {
    /// Becomes a node of the database, if its schema is one that this version can serve.
    ///
    /// # Errors
    /// [`StartError`], also where a newer version has taken something away that this one needs.
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

    /// Waits until this node may not serve the schema any longer.
    pub(crate) async fn refused(&self) -> MigrateError {
        let mut refused = self.refused.clone();
        match refused.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(stamp)) => MigrateError::SchemaNewer(stamp.clone()),
            // The task has ended, and with it the node.
            _ => std::future::pending().await,
        }
    }

    /// Ends being one: nothing has to wait for it any more.
    pub(crate) async fn leave(self) {
        self.stop.send_replace(true);
        let _ended = self.task.await;
        leave(&self.storage, &self.node).await;
    }
}

/// It is forgotten a minute later anyway.
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
        match heartbeat_and_look(&storage, &node).await {
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

/// Sends a heartbeat, and only then looks whether it may: a migration that contracts sees the node, or is seen by it.
async fn heartbeat_and_look(storage: &Storage, node: &Node) -> Result<Option<String>, StorageError> {
    storage.heartbeat(node.clone()).await?;
    Ok(storage.schema().await?.refused_for().map(str::to_owned))
}
