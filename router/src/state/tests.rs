//! What cannot be read back is told, and not begun again.

use bytes::Bytes;
use store::{Memory, Options, Tx};

use super::restore::{self, RestoreError};
use super::{ABOUT, LEDGERS, key, ledger_key};
use crate::bus::Bus;

#[tokio::test]
async fn a_ledger_that_cannot_be_read_is_told_and_not_begun_again() {
    let (bus, _) = Bus::fixture(Memory::new(Options::default()));
    let partition = bus.partition();
    let mut core =
        crate::core::Core::new("default", bus.identity().clone(), &[], &[], &schemas::Registry::empty());
    assert!(restore::core(core.as_mut().unwrap(), partition).await.is_ok());
    let put = vec![(LEDGERS, ledger_key("consumer", "c"), Bytes::from_static(b"{"))];
    partition.commit(Tx { put, ..Tx::default() }).await.unwrap();
    let lanes = vec![bus.lanes()[0].consumer.clone()];
    let core =
        crate::core::Core::new("default", bus.identity().clone(), &lanes, &[], &schemas::Registry::empty());
    let Err(RestoreError::Unreadable(what)) = restore::core(&mut core.unwrap(), partition).await else {
        panic!("it was read")
    };
    assert_eq!(what, "the ledger of consumer `c`");
}

#[tokio::test]
async fn a_state_in_another_form_is_refused() {
    let (bus, _) = Bus::fixture(Memory::new(Options::default()));
    let partition = bus.partition();
    assert!(restore::check_format(partition).await.is_ok());
    let put = vec![(LEDGERS, ledger_key("consumer", "c"), Bytes::from_static(b"{}"))];
    partition.commit(Tx { put, ..Tx::default() }).await.unwrap();
    let error = restore::check_format(partition).await.unwrap_err();
    assert_eq!(error.to_string(), "its state has form 1, and this version knows form 3");
    let put = vec![(ABOUT, key(&[b"format"]), Bytes::from_static(b"4"))];
    partition.commit(Tx { put, ..Tx::default() }).await.unwrap();
    let error = restore::check_format(partition).await.unwrap_err();
    assert_eq!(error.to_string(), "its state has form 4, and this version knows form 3");
}
