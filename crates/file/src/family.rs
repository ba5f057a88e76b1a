//! What every handler type of the family is besides its own actions: a `Handler`, a writer, a maker of writers.

/// Implements `Handler`, `io::Write` and `MakeWriter` for a type with a field `sink: Sink<_>`.
///
/// Each `write` is one record: `fmt` layers and `tracing_appender` write a whole line at once.
#[doc(hidden)]
#[macro_export]
macro_rules! file_handler {
    ($handler:ty) => {
        impl $crate::export::core::Handler for $handler {
            #[inline]
            fn handle(&self, record: &$crate::export::core::Record<'_>) -> Result<(), $crate::export::core::Error> {
                $crate::export::core::Handler::handle(&self.sink, record)
            }

            fn handle_batch(
                &self,
                records: &mut dyn Iterator<Item = $crate::export::core::Record<'_>>,
            ) -> Result<(), $crate::export::core::Error> {
                $crate::export::core::Handler::handle_batch(&self.sink, records)
            }

            fn flush(&self, deadline: $crate::export::core::Deadline) -> Result<(), $crate::export::core::Error> {
                $crate::export::core::Handler::flush(&self.sink, deadline)
            }

            fn close(&self, deadline: $crate::export::core::Deadline) -> Result<(), $crate::export::core::Error> {
                $crate::export::core::Handler::close(&self.sink, deadline)
            }

            fn stats(&self) -> $crate::export::core::Stats {
                $crate::export::core::Handler::stats(&self.sink)
            }
        }

        impl ::std::io::Write for &$handler {
            fn write(&mut self, bytes: &[u8]) -> ::std::io::Result<usize> {
                self.sink.write_raw(bytes)
            }

            fn flush(&mut self) -> ::std::io::Result<()> {
                Ok($crate::export::core::Handler::flush(&self.sink, $crate::export::core::Deadline::never())?)
            }
        }

        impl ::std::io::Write for $handler {
            fn write(&mut self, bytes: &[u8]) -> ::std::io::Result<usize> {
                ::std::io::Write::write(&mut &*self, bytes)
            }

            fn flush(&mut self) -> ::std::io::Result<()> {
                ::std::io::Write::flush(&mut &*self)
            }
        }

        impl<'a> $crate::export::MakeWriter<'a> for $handler {
            type Writer = &'a $handler;

            fn make_writer(&'a self) -> &'a $handler {
                self
            }
        }
    };
}
