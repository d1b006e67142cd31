//! The stored tree against the definition, on both databases.

use doorbook_projections::fault::Fault;
use uuid::Uuid;

use super::{
    bed::{Bed, On},
    naive,
};
use crate::{
    config::Database,
    proof::{check, tree::Tree},
    sql::own::OwnDatabase,
};

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap()
}

/// Grows by batches of all sorts, and compares after each.
async fn tree_grows_as_the_definition_says(database: &Database) {
    let tree = Tree::open(database).await.unwrap();
    tree.begin(Uuid::nil(), "test").await.unwrap();
    let leaves = naive::leaves(66_200);
    let mut size = 0;
    for batch in [1, 1, 2, 250, 1, 1, 1, 255, 256, 257, 3, 4096, 60_000, 535, 300, 240] {
        let next = &leaves[size..size + batch];
        let after = tree.append(number(size), next).await.unwrap().unwrap();
        size += batch;
        assert_eq!(after, number(size));
        assert_eq!(tree.root(after).await.unwrap(), naive::root(&leaves[..size]), "{size}");
    }
    assert!(size > 65_536, "three levels of tiles are needed");
    assert_eq!(
        tree.append(1, &leaves[..1]).await.unwrap(),
        None,
        "somebody else was faster"
    );
    for at in [1, 2, 255, 256, 257, 512, 4999, 65_535, 65_536, 65_537, size] {
        let (count, root) = (number(at), naive::root(&leaves[..at]));
        assert_eq!(tree.root(count).await.unwrap(), root);
        for index in [0, at / 3, at - 1] {
            let path = tree.inclusion(number(index), count).await.unwrap();
            assert_eq!(path, naive::path(index, &leaves[..at]), "{index} of {at}");
            assert!(check::inclusion(number(index), count, leaves[index], &path, &root));
        }
        let proof = tree.consistency(count, number(size)).await.unwrap();
        assert_eq!(proof, naive::proof(at, &leaves[..size]), "{at}");
    }
    let read = tree.leaves(300).await.unwrap();
    assert_eq!(read[..1000], leaves[300..1300]);
    assert!(tree.leaves(number(size)).await.unwrap().is_empty());
    tree.close().await;
}

#[tokio::test]
async fn tree_on_sqlite_grows_as_the_definition_says() {
    let directory = tempfile::tempdir().unwrap();
    tree_grows_as_the_definition_says(&Database::Sqlite(directory.path().join("proof.db"))).await;
}

#[tokio::test]
async fn tree_on_postgres_grows_as_the_definition_says() {
    let database = OwnDatabase::create().await;
    tree_grows_as_the_definition_says(&Database::Postgres(database.url().to_string())).await;
}

#[tokio::test]
async fn tree_that_lost_a_tile_gives_no_proof() {
    let mut bed = Bed::new(On::Sqlite).await;
    bed.append_and_sign(300).await;
    bed.tamper_with_tree("delete from tiles where level = 0 and number = 0")
        .await;
    let missing = |fault: Fault| crate::proof::tree::is_incomplete(&fault);
    let tree = bed.notary.tree();
    assert!(tree.inclusion(3, 300).await.is_err_and(missing));
    assert!(tree.inclusion(299, 300).await.is_ok(), "what is there serves");
    assert!(tree.leaves(0).await.unwrap().is_empty());
    bed.tamper_with_tree("update tiles set hashes = x'00'").await;
    assert!(tree.root(300).await.is_err_and(missing));
}
