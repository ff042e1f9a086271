//! Faults, one after the other.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use miroir_e2e::NodeData;
use miroir_test_simulation::random::Random;
use tokio::time::sleep;

use crate::processes::Processes;
use crate::state::State;

/// The faults of a run.
pub struct Injector<'a> {
    /// The run.
    pub state: &'a State,
    /// The processes.
    pub processes: &'a mut Processes,
    /// Its chance.
    pub random: Random,
    /// Copies of the data of nodes, from when they were down.
    pub copies: BTreeMap<usize, NodeData>,
}

impl Injector<'_> {
    /// Carries out one fault to its end.
    pub async fn one(&mut self) -> Result<()> {
        let node = self.random.index(self.processes.cluster.nodes().len());
        let instance = self.random.index(self.state.instances.len());
        let during = Duration::from_millis(self.random.within(50..5_000));
        match self.random.within(0..100) {
            0..25 => self.kill_node(node, during).await,
            25..40 => self.wipe_node(node, during).await,
            40..52 => self.roll_back_node(node, during).await,
            52..58 => self.exchange_nodes(node).await,
            58..76 => self.kill_instance(instance, during).await,
            76..88 => self.pause_instance(instance, during).await,
            _ => self.kill_store(during).await,
        }
    }

    async fn kill_node(&mut self, node: usize, during: Duration) -> Result<()> {
        self.state.fault("kill node", &format!("{node} for {during:?}"));
        self.processes.cluster.node(node).kill().await?;
        sleep(during).await;
        let copy = self.processes.cluster.node(node).data()?;
        self.copies.insert(node, copy);
        self.processes.cluster.node(node).restart().await
    }

    async fn wipe_node(&mut self, node: usize, during: Duration) -> Result<()> {
        self.processes.spare_a_node(self.state).await?;
        self.state.fault("wipe node", &format!("{node} for {during:?}"));
        self.processes.cluster.node(node).kill().await?;
        self.processes.cluster.node(node).wipe().await?;
        self.state.go_on();
        sleep(during).await;
        self.processes.cluster.node(node).restart().await
    }

    async fn roll_back_node(&mut self, node: usize, during: Duration) -> Result<()> {
        let Some(copy) = self.copies.remove(&node) else { return self.kill_node(node, during).await };
        self.processes.spare_a_node(self.state).await?;
        self.state.fault("roll back node", &format!("{node} for {during:?}"));
        self.processes.cluster.node(node).kill().await?;
        self.processes.cluster.node(node).restore(copy).await?;
        self.state.go_on();
        sleep(during).await;
        self.processes.cluster.node(node).restart().await
    }

    async fn exchange_nodes(&mut self, one: usize) -> Result<()> {
        let other = (one + 1) % self.processes.cluster.nodes().len();
        self.processes.spare_a_node(self.state).await?;
        self.state.fault("exchange nodes", &format!("{one} and {other}"));
        self.exchange(one, other).await?;
        self.state.go_on();
        sleep(Duration::from_secs(2)).await;
        self.state.hold();
        self.exchange(one, other).await?;
        self.state.go_on();
        Ok(())
    }

    async fn exchange(&mut self, one: usize, other: usize) -> Result<()> {
        let cluster = &mut self.processes.cluster;
        cluster.node(one).kill().await?;
        cluster.node(other).kill().await?;
        let (first, second) = (cluster.node(one).data()?, cluster.node(other).data()?);
        cluster.node(one).restore(second).await?;
        cluster.node(other).restore(first).await?;
        cluster.node(one).restart().await?;
        cluster.node(other).restart().await
    }

    async fn kill_instance(&mut self, instance: usize, during: Duration) -> Result<()> {
        self.state.fault("kill instance", &format!("{instance} for {during:?}"));
        self.processes.instance(instance).kill().await?;
        sleep(during).await;
        self.processes.instance(instance).start().await
    }

    async fn pause_instance(&mut self, instance: usize, during: Duration) -> Result<()> {
        self.state.fault("pause instance", &format!("{instance} for {during:?}"));
        let process = self.processes.instance(instance).process();
        process.pause().await?;
        sleep(during).await;
        process.resume().await
    }

    async fn kill_store(&mut self, during: Duration) -> Result<()> {
        let Some(redis) = &mut self.processes.redis else { return self.kill_instance(0, during).await };
        self.state.fault("kill store", &format!("for {during:?}"));
        redis.kill();
        sleep(during).await;
        redis.launch_again();
        Ok(())
    }
}
