//! An event source whose settings were checked against its event.

mod only;

use alloy::dyn_abi::{DynSolEvent, DynSolType, Specifier};
use alloy::json_abi::Event;
use alloy::primitives::{Address, B256, Log, keccak256};
use tocsin_domain::observation::SourceId;
use tocsin_domain::value::Type;

use self::only::Only;
use super::{EventSettings, SequenceFrom, TimeFrom};
use crate::SourceError;
use crate::suggest;

/// More decimals than 256 bits can hold leave no value but zero.
pub(crate) const DECIMALS_MAX: u8 = 77;

/// One event of one contract, ready to be read.
#[derive(Clone, Debug)]
pub struct EventSource {
    pub(crate) settings: EventSettings,
    pub(crate) event: DynSolEvent,
    pub(crate) topic: B256,
    /// `None`: it counts by being there.
    pub(crate) value: Option<Field>,
    only: Vec<Only>,
    /// `None` takes the log's position.
    pub(crate) sequence: Option<Field>,
    /// `None` takes the block's time.
    pub(crate) observed_at: Option<Field>,
}

/// Where a decoded event has a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Field {
    /// Among the topics, else in the data.
    pub(crate) indexed: bool,
    /// Position among those.
    pub(crate) position: usize,
}

impl EventSource {
    /// Checks the settings against the event that they name.
    ///
    /// # Errors
    ///
    /// [`SourceError::Event`], which says which setting does not fit, and what the event offers.
    pub fn new(settings: EventSettings) -> Result<Self, SourceError> {
        Self::check(&settings).map_err(|reason| SourceError::Event {
            id: settings.source.clone(),
            reason,
        })
    }

    /// What the source is.
    pub fn id(&self) -> &SourceId {
        &self.settings.source
    }

    /// What it was made from.
    pub fn settings(&self) -> &EventSettings {
        &self.settings
    }

    /// A hash of everything that decides which observations a block gives.
    pub fn fingerprint(&self) -> B256 {
        let EventSettings {
            source,
            address,
            event,
            subject,
            metric,
            value,
            decimals,
            only,
            sequence,
            observed_at,
            from_block,
        } = &self.settings;
        keccak256(format!(
            "{source:?} {address:?} {event:?} {subject:?} {metric:?} {value:?} {decimals} {only:?} {sequence:?} \
             {observed_at:?} {from_block}"
        ))
    }

    /// The type of its values; [`Type::Event`] where it has none.
    pub fn value_type(&self) -> Type {
        let Some(field) = self.value else {
            return Type::Event;
        };
        let types = if field.indexed {
            self.event.indexed()
        } else {
            self.event.body()
        };
        match types.get(field.position) {
            Some(DynSolType::Bool) => Type::Bool,
            Some(DynSolType::String) => Type::Text,
            // The check that made it admits integers beside these.
            _ => Type::Decimal,
        }
    }

    /// The first block that is read.
    pub fn from_block(&self) -> u64 {
        self.settings.from_block
    }

    pub(crate) fn address(&self) -> Address {
        self.settings.address
    }

    pub(crate) fn topic(&self) -> B256 {
        self.topic
    }

    /// Whether `log`, of block `block`, is one of this source's.
    pub(crate) fn reads(&self, block: u64, log: &Log) -> bool {
        block >= self.settings.from_block
            && log.address == self.settings.address
            && log.topics().first() == Some(&self.topic)
            && self.only.iter().all(|only| only.is_in(log))
    }

    fn check(settings: &EventSettings) -> Result<Self, String> {
        let declared = Event::parse(&settings.event).map_err(|error| {
            format!(
                "`event` is not an event declaration: {error}; write it as Solidity does, with names, such as \
                 `Paused(address account)`"
            )
        })?;
        if declared.anonymous {
            return Err(
                "`event` is anonymous; only events with a signature topic can be told apart"
                    .to_owned(),
            );
        }
        let event = declared
            .resolve()
            .map_err(|error| format!("`event` cannot be decoded: {error}"))?;
        let fields = Fields { event: &declared };
        let value = match &settings.value {
            None => None,
            Some(name) => Some(fields.find("value", name, &is_value)?.0),
        };
        if settings.decimals > DECIMALS_MAX {
            return Err(format!(
                "`decimals` is {}, at most {DECIMALS_MAX} have a meaning",
                settings.decimals
            ));
        }
        if settings.decimals > 0
            && let Some(problem) = match &settings.value {
                None => Some("there is no `value`".to_owned()),
                Some(name) if fields.is_integer(name) => None,
                Some(name) => Some(format!("`{name}` is no integer")),
            }
        {
            return Err(format!(
                "`decimals` is {}, but {problem}",
                settings.decimals
            ));
        }
        let mut only = Vec::with_capacity(settings.only.len());
        for (name, written) in &settings.only {
            let (field, ty) = fields.find("only", name, &only::is_word)?;
            let demand = Only::new(&event, field, &ty, written)
                .map_err(|problem| format!("`only.{name}`: {problem}"))?;
            only.push(demand);
        }
        let unsigned = |setting, name: &str| {
            let found = fields.find(setting, name, &is_unsigned);
            found.map(|(field, _ty)| field)
        };
        let sequence = match &settings.sequence {
            SequenceFrom::Block => None,
            SequenceFrom::Field(name) => Some(unsigned("sequence", name)?),
        };
        let observed_at = match &settings.observed_at {
            TimeFrom::Block => None,
            TimeFrom::Field(name) => Some(unsigned("observed_at", name)?),
        };
        Ok(Self {
            settings: settings.clone(),
            event,
            topic: declared.selector(),
            value,
            only,
            sequence,
            observed_at,
        })
    }
}

/// The fields of a declared event.
struct Fields<'a> {
    event: &'a Event,
}

impl Fields<'_> {
    /// The field that `setting` names, and its type; `accept` says what else it must be, as `Err(what is wanted)`.
    fn find(
        &self,
        setting: &str,
        name: &str,
        accept: &dyn Fn(&DynSolType) -> Result<(), &'static str>,
    ) -> Result<(Field, DynSolType), String> {
        let mut same_name = (0..)
            .zip(&self.event.inputs)
            .filter(|(_, input)| input.name == name);
        let (place, input) = match (name.is_empty(), same_name.next(), same_name.next()) {
            (false, Some((place, input)), None) => (place, input),
            (false, Some(_), Some(_)) => {
                return Err(format!(
                    "`{setting}` names `{name}`, which `{}` has twice",
                    self.event.name
                ));
            }
            _ => {
                let names = self.event.inputs.iter().map(|input| input.name.as_str());
                return Err(format!(
                    "`{setting}` names `{name}`, which is no field of `{}`{}; {}",
                    self.event.name,
                    suggest::hint(name, names.filter(|name| !name.is_empty())),
                    self.list(),
                ));
            }
        };
        let ty = input
            .resolve()
            .map_err(|error| format!("`{setting}`: {error}"))?;
        accept(&ty).map_err(|wanted| {
            format!(
                "`{setting}` names `{name}` of type {}, but needs {wanted}; {}",
                input.ty,
                self.list()
            )
        })?;
        if input.indexed && matches!(ty, DynSolType::String) {
            return Err(format!(
                "`{setting}` names `{name}`, of which a log has only the hash, because it is indexed; {}",
                self.list()
            ));
        }
        let before: &[_] = &self.event.inputs[..place];
        let position = before
            .iter()
            .filter(|other| other.indexed == input.indexed)
            .count();
        let field = Field {
            indexed: input.indexed,
            position,
        };
        Ok((field, ty))
    }

    fn is_integer(&self, name: &str) -> bool {
        self.event
            .inputs
            .iter()
            .filter(|input| input.name == name)
            .any(|input| {
                input
                    .resolve()
                    .is_ok_and(|ty| matches!(ty, DynSolType::Int(_) | DynSolType::Uint(_)))
            })
    }

    fn list(&self) -> String {
        if self.event.inputs.is_empty() {
            return "it has no fields".to_owned();
        }
        let fields: Vec<String> = self
            .event
            .inputs
            .iter()
            .map(|input| match input.name.as_str() {
                "" => format!("(no name) ({})", input.ty),
                name => format!("`{name}` ({})", input.ty),
            })
            .collect();
        format!("its fields are {}", fields.join(", "))
    }
}

fn is_value(ty: &DynSolType) -> Result<(), &'static str> {
    match ty {
        DynSolType::Int(_) | DynSolType::Uint(_) | DynSolType::Bool | DynSolType::String => Ok(()),
        _ => Err("an integer, a bool or a string"),
    }
}

fn is_unsigned(ty: &DynSolType) -> Result<(), &'static str> {
    match ty {
        DynSolType::Uint(_) => Ok(()),
        _ => Err("an unsigned integer"),
    }
}
