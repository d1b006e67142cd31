use doorbook_domain::{id::UserId, seal::ClaimId, time::Timestamp};

use super::{LoginRow, NAME, Won, class, row::COLUMNS};
use crate::{
    cursor::Cursor,
    db::Value,
    ending,
    engine::{Reads, View},
    fault::Fault,
};

/// Which logins are looked for. What is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this user.
    pub user: Option<UserId>,
    /// At this address.
    pub address: Option<Address>,
    /// From an address of this bucket; whether it is the very address only its seal can tell.
    pub ip_bucket: Option<u32>,
    /// With this outcome.
    pub outcome: Option<Won>,
    /// By this method.
    pub method: Option<String>,
    /// By this identity provider.
    pub provider: Option<String>,
    /// For this reason.
    pub reason: Option<String>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
}

/// An address: failures stand under its claim, successes under those who held it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Its claim.
    pub claim: ClaimId,
    /// Who held it, and may be named.
    pub holders: Vec<Holder>,
}

/// Who held an address, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// Who.
    pub user: UserId,
    /// Since when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
}

/// The logins of a user, newest first, after `after`.
///
/// # Errors
///
/// [`Fault`] when the read model is not there yet or the database fails.
pub async fn of_user(reads: &Reads, user: UserId, after: &Cursor, limit: u32) -> Result<Vec<LoginRow>, Fault> {
    let filter = Filter {
        user: Some(user),
        ..Filter::default()
    };
    search(reads, &filter, after, limit).await
}

/// Everybody's logins, newest first, after `after`.
///
/// # Errors
///
/// As [`of_user`].
pub async fn page(reads: &Reads, after: &Cursor, limit: u32) -> Result<Vec<LoginRow>, Fault> {
    search(reads, &Filter::default(), after, limit).await
}

/// The logins that fit, newest first, after `after`.
///
/// # Errors
///
/// As [`of_user`].
pub async fn search(reads: &Reads, filter: &Filter, after: &Cursor, limit: u32) -> Result<Vec<LoginRow>, Fault> {
    let view = reads.view(NAME)?;
    let before = match filter.to {
        Some(to) if to <= after.at => Cursor {
            at: to,
            key: String::new(),
        },
        Some(_) | None => after.clone(),
    };
    let since = filter.from.unwrap_or(Timestamp::from_micros(i64::MIN));
    let mut query = Query {
        values: vec![before.at.into(), before.position().into(), since.into(), limit.into()],
        walks: Vec::new(),
    };
    query.plan(filter, &view).await?;
    if query.walks.is_empty() {
        return Ok(Vec::new());
    }
    let (sql, values) = query.finish(&view);
    view.fetch(&sql, values).await?.iter().map(LoginRow::read).collect()
}

/// A merge of walks along indices.
struct Query {
    values: Vec<Value>,
    walks: Vec<Walks>,
}

/// A walk for each of some classes; without any, one along all of them.
struct Walks {
    /// What holds of their rows.
    on: String,
    /// The parameters that stand for the classes.
    classes: Vec<String>,
}

impl Query {
    /// The parameter that stands for a value.
    fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    async fn plan(&mut self, filter: &Filter, view: &View) -> Result<(), Fault> {
        let sql = format!("select name from {} order by name", view.table("login_classes"));
        let all = view.fetch(&sql, Vec::new()).await?;
        let all = all.iter().map(|row| row.text("name")).collect::<Result<Vec<_>, _>>()?;
        let wanted: Vec<&String> = all.iter().filter(|class| filter.wants(class)).collect();
        let anybodys = filter.user.is_none() && filter.address.is_none() && filter.ip_bucket.is_none();
        if anybodys && wanted.len() == all.len() {
            let (on, classes) = ("1 = 1".to_owned(), Vec::new());
            self.walks.push(Walks { on, classes });
            return Ok(());
        }
        let rest = self.rest(filter);
        let user = filter
            .user
            .map(|user| format!(" and l.user_id = {}", self.bind(user.0)));
        let only = format!("{rest}{}", user.unwrap_or_default());
        match &filter.address {
            Some(address) => self.at_address(address, &wanted, &only),
            None => self.walk(format!("1 = 1{only}"), &wanted),
        }
        Ok(())
    }

    fn walk(&mut self, on: String, classes: &[&String]) {
        let classes: Vec<String> = classes.iter().map(|class| self.bind(class::number(class))).collect();
        if !classes.is_empty() {
            self.walks.push(Walks { on, classes });
        }
    }

    /// Beside a user or an address, rows that are older than buckets are looked at, too: there are few.
    fn rest(&mut self, filter: &Filter) -> String {
        let Some(bucket) = filter.ip_bucket else {
            return String::new();
        };
        let bucket = self.bind(bucket);
        if filter.user.is_some() || filter.address.is_some() {
            format!(" and (l.ip_bucket = {bucket} or l.ip_bucket is null)")
        } else {
            format!(" and l.ip_bucket = {bucket}")
        }
    }

    fn at_address(&mut self, address: &Address, classes: &[&String], only: &str) {
        let (successes, failures): (Vec<&String>, Vec<&String>) =
            classes.iter().partition(|class| class::is_success(class));
        if !failures.is_empty() {
            let claim = self.bind(&*address.claim.0);
            let mut known = vec!["l.user_id is null".to_owned()];
            for holder in &address.holders {
                let holder = self.bind(holder.user.0);
                known.push(format!("l.user_id = {holder}"));
            }
            let known = known.join(" or ");
            self.walk(format!("l.address = {claim}{only} and ({known})"), &failures);
        }
        if successes.is_empty() {
            return;
        }
        for holder in &address.holders {
            let (id, from, to) = (self.bind(holder.user.0), self.bind(holder.from), self.bind(holder.to));
            let on = format!("l.user_id = {id}{only} and l.at >= {from} and l.at < {to}");
            self.walk(on, &successes);
        }
    }

    fn finish(self, view: &View) -> (String, Vec<Value>) {
        let logins = view.table("logins");
        let walk = |on: &str| {
            // A comparison of rows alone does not say which months there is nothing in.
            format!(
                "select l.* from {logins} l
                 where {on} and (l.at, l.position) < ($1, $2) and l.at <= $1 and l.at >= $3
                 order by l.at desc, l.position desc limit $4"
            )
        };
        let walks = self.walks.iter().map(|Walks { on, classes }| {
            if classes.is_empty() {
                return format!("select * from ({}) w", walk(on));
            }
            view.for_each(classes, &|class| walk(&format!("{on} and l.class = {class}")))
        });
        let walks: Vec<String> = walks.collect();
        let epochs = view.table("login_epochs");
        // Most users never had all their sessions ended at once: for them one look is enough.
        let sql = format!(
            "select {COLUMNS}, c.name as class_name, d.ended_at, d.end_reason, d.ended_by, {} from (
                select w.*, case when exists (
                    select 1 from {epochs} e where e.user_id = w.user_id and e.epoch > w.first_epoch
                ) then coalesce((select r.epoch from {} r where r.session_id = w.session_id), w.first_epoch) end as epoch
                from (select * from ({}) w order by at desc, position desc limit $4) w) l
             left join {} c on c.class = l.class
             left join {} d on d.session_id = l.session_id
             order by l.at desc, l.position desc",
            ending::column("l", &epochs),
            view.table("login_rotations"),
            walks.join(" union all "),
            view.table("login_classes"),
            view.table("login_ends"),
        );
        (sql, self.values)
    }
}
