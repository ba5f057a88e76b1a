//! What all handlers are that have a [`Delivery`](crate::Delivery): its face.

/// Makes a type with a field `delivery` a handler that forwards to it, with `status()` and `flush_async()`.
#[macro_export]
macro_rules! delivery_handler {
    ($handler:ident) => {
        impl $handler {
            /// How it goes with the peer: the state of the connection, attempts, failures, the newest error.
            pub fn status(&self) -> $crate::Status {
                self.delivery.status()
            }

            /// As `flush`, without blocking a thread.
            ///
            /// # Errors
            ///
            /// Those of `flush`.
            pub async fn flush_async(
                &self,
                deadline: $crate::core::Deadline,
            ) -> ::std::result::Result<(), $crate::core::Error> {
                self.delivery.flush_async(deadline).await
            }
        }

        impl $crate::core::Handler for $handler {
            #[inline]
            fn handle(&self, record: &$crate::core::Record<'_>) -> ::std::result::Result<(), $crate::core::Error> {
                self.delivery.handle(record)
            }

            fn flush(&self, deadline: $crate::core::Deadline) -> ::std::result::Result<(), $crate::core::Error> {
                self.delivery.flush(deadline)
            }

            fn close(&self, deadline: $crate::core::Deadline) -> ::std::result::Result<(), $crate::core::Error> {
                self.delivery.close(deadline)
            }

            fn stats(&self) -> $crate::core::Stats {
                self.delivery.stats()
            }
        }
    };
}
