//! The form that every aggregate has.

use cqrs_es::Aggregate;

/// An aggregate whose decisions are a pure function of its state and a command.
///
/// [`Aggregate::handle`] of an implementor only hands the events of [`Decide::decide`] on.
pub trait Decide: Aggregate<Services = ()> {
    /// Decides what happens, without changing anything. No event at all means that it is already so.
    ///
    /// # Errors
    ///
    /// The rule that the command would break.
    fn decide(&self, command: Self::Command) -> Result<Vec<Self::Event>, Self::Error>;
}

/// An enum of the commands that an aggregate takes, each a struct of its own that converts into it.
macro_rules! commands {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant($variant),)*
        }

        $(impl From<$variant> for $name {
            fn from(command: $variant) -> Self {
                Self::$variant(command)
            }
        })*
    };
}

/// The five lines between a [`Decide`] and cqrs-es.
macro_rules! aggregate {
    ($state:ident, $kind:literal, $command:ident, $event:ident, $error:ident) => {
        impl cqrs_es::Aggregate for $state {
            const TYPE: &'static str = $kind;

            type Command = $command;
            type Event = $event;
            type Error = $error;
            type Services = ();

            async fn handle(
                &mut self,
                command: Self::Command,
                (): &Self::Services,
                sink: &cqrs_es::event_sink::EventSink<Self>,
            ) -> Result<(), Self::Error> {
                for event in $crate::decide::Decide::decide(self, command)? {
                    sink.write(event, self).await;
                }
                Ok(())
            }

            fn apply(&mut self, event: Self::Event) {
                self.take_in(event);
            }
        }
    };
}

/// The stored names of an aggregate's events, and what cqrs-es asks of these.
macro_rules! names {
    ($event:ident { $($variant:ident => $name:literal,)* }) => {
        impl $event {
            /// Every stored name.
            pub(crate) const NAMES: &[&str] = &[$($name),*];

            /// Its stored name: dotted, past tense, frozen.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $name,)*
                }
            }
        }

        impl cqrs_es::DomainEvent for $event {
            fn event_type(&self) -> String {
                self.name().to_owned()
            }

            fn event_version(&self) -> String {
                $crate::event::VERSION.to_owned()
            }
        }
    };
}

pub(crate) use {aggregate, commands, names};
