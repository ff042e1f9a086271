//! Decorators of the nodes' port.

/// Implements [`Nodes`](crate::outbound::Nodes) for `$wrapper`, which has a field `inner: Arc<dyn Nodes>` and
/// a method
///
/// ```text
/// async fn call<T>(
///     &self,
///     node: &NodeId,
///     operation: NodeOperation,
///     call: impl Future<Output = Result<T, NodeError>> + Send,
/// ) -> Result<T, NodeError>
/// ```
///
/// that every call passes through, where `call` is the call to `inner`, which has not begun. A crate that
/// uses the macro depends on `async-trait`, `miroir-domain` and `serde_json`.
#[macro_export]
macro_rules! wrap_nodes {
    ($wrapper:ty) => {
        #[::async_trait::async_trait]
        impl $crate::outbound::Nodes for $wrapper {
            async fn node_write(
                &self,
                node: &::miroir_domain::NodeId,
                write: $crate::outbound::NodeWrite,
                timeout: ::std::time::Duration,
            ) -> ::std::result::Result<u32, $crate::outbound::NodeError> {
                let call = self.inner.node_write(node, write, timeout);
                self.call(node, $crate::outbound::NodeOperation::Write, call).await
            }

            async fn node_read(
                &self,
                node: &::miroir_domain::NodeId,
                read: $crate::outbound::NodeRead,
                timeout: ::std::time::Duration,
            ) -> ::std::result::Result<::serde_json::Value, $crate::outbound::NodeError> {
                let call = self.inner.node_read(node, read, timeout);
                self.call(node, $crate::outbound::NodeOperation::Read, call).await
            }

            async fn node_search(
                &self,
                node: &::miroir_domain::NodeId,
                search: $crate::outbound::NodeSearch,
                timeout: ::std::time::Duration,
            ) -> ::std::result::Result<::miroir_domain::search::SearchResponse, $crate::outbound::NodeError>
            {
                let call = self.inner.node_search(node, search, timeout);
                self.call(node, $crate::outbound::NodeOperation::Search, call).await
            }

            async fn node_tasks(
                &self,
                node: &::miroir_domain::NodeId,
                selection: $crate::outbound::NodeTaskSelection,
                timeout: ::std::time::Duration,
            ) -> ::std::result::Result<
                ::std::vec::Vec<::miroir_domain::task::NodeTaskReport>,
                $crate::outbound::NodeError,
            > {
                let call = self.inner.node_tasks(node, selection, timeout);
                self.call(node, $crate::outbound::NodeOperation::Tasks, call).await
            }
        }
    };
}
