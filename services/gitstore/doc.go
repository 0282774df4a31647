// Package gitstore keeps history: it stores what agents collected, one durable git commit per changed device, and answers revisions, contents and diffs from an
// index that never walks git.
//
// There is one repository, `configs`, and others where a site names one (repositories.go): each is made when it is first named, and opened from then on.
//
// Tables: repository (of each the head that counts; the row of `configs` also counts the changes of originals of all, for the mirror), artifact (the newest state of each), revision (the index), original (sealed originals), suspect (masked texts that are
// kept apart), stored_attempt (what was stored of each attempt, for repeats), reindexed (scratch of Reindex), remote (git servers that are pushed to), gone (the lines that revisions took away, for searches), shredded (devices whose
// originals were destroyed), erasure and erased_commit (rewritings of the history).
//
// A result on its way in (StoreResults, files in this order):
//
//	results.go   what is known already is answered again; an unchanged artifact with the known digest is only seen
//	open.go      the sealed original is opened with the device's key, checked, cleaned and masked by its platform page
//	compare.go   what a text would replace is read, before the writer's turn
//	remask.go    and whether a changed page alone made it another; both once more in the writer's turn where somebody came in between
//	plan.go      against the newest state: a new revision, its text anew, the same text again, or an observation (a lower fence)
//	suspect.go   a main artifact that lost more than half is kept apart, and nothing of its attempt is committed
//	group.go     calls that wait for the writer are committed as one; what cannot be stored keeps no other from it
//	place.go     where a new device lies: beside the others of its site, or in one of 256 folders where those are many; no name leads out of the repository, and no two of one differ in case only
//	pack.go      all changed devices of these calls: one pack on disk for each repository
//	commit.go    -> one database transaction that moves all their heads -> the git refs
//
// A device whose site has another repository than its files moves with its next result, changed or not (plan.move): its files are put there by one commit and taken away
// here by another, in the same transaction, unless they are somebody else's (others.go). What did not change makes no revision: the artifact's row says where it lies now,
// the revision's row where it was committed, and a trailer (Earlier) how many revisions came before, and what text the newest had. So does a device, with all its files and in one commit, whose own or site's
// name is another. A device that was made anew under the name of a deleted one covers its files (artifact.covered); should the older one come back, its next result puts them there again.
// A suspect moves nothing; deleted and disabled devices stay where they are, for they have no results.
//
// A page that changed masks other texts of what did not. Such a text is committed and makes no revision: the newest one has it from then on (remask.go, trailer Remasked), so its row names that commit
// and not the one that its attempt made.
//
// A clone (fetch.go) is one request of git's, answered by the git program: the audit line, then the bytes as they come. Whoever may read revisions may clone any
// repository, for both are the masked texts of all devices. When a right can be limited to some sites, a clone must ask for the right to read every device that has, or had, a
// file in the repository, now and in its past: those of its revision rows. Until then a repository keeps sites apart in the hands of those who get clones, not in the API.
//
// The mirror (mirror*.go, package mirror) follows behind the commits, in rounds: packs and originals of all repositories that are new, then the manifest. restore.go brings them back from
// it, and restored.go the originals, ids and times at the start that follows, adopt.go their keys to vault. recover.go opens originals from it with the recovery key and nothing else.
//
// Originals are destroyed (shred.go) in an order that may break off anywhere: audit line, order, the key in vault, then the rows; mirror_shred.go takes them out of the mirror.
//
// All repositories are made again without some text (erase*.go, netraven gitstore erase) while nobody serves them. Each step is durable before the next:
//
//	new packs -> one transaction: heads, index, a row of erasure for each repository -> the refs -> old packs and search index go -> the rows are done -> the mirror follows, and keeps nothing old
//
// Remotes (remote*.go, package remote) are pushed to behind the commits too (pusher.go, push.go), each on its own. How to sign in is in vault, under an id that is new with each secret:
//
//	there -(commit)-> behind -(push)-> there
//	                  behind -(failure)-> waits: 10 s, doubling to an hour; an hour at once where a person must do something -> behind
//
// A suspect is a row of revision without number and commit, at most one of an artifact:
//
//	kept apart -> ACCEPTED   a person accepts it (accept.go): a commit, the next number, the same id
//	           -> gone       something newer is stored of its artifact, changed or not; another suspect; 30 days without being seen (janitor.go)
//
// At start (follow.go, reindex.go) ref and head of each repository are brought together, both only ever forward:
//
//	ref behind the head    a crash between the two: the ref moves up
//	ref ahead of the head  the database was restored to an older moment: the commits between are indexed again from their trailers and files (origin.go), in
//	                       batches of one transaction each; their originals are lost with the database, the newest returns with the artifact's next result
//	neither                refused: folder and database are not of one history
//
// Commits of several repositories are indexed so that each revision of an artifact comes after the one before: a commit with the trailer Earlier waits for that many, and for the text that the newest had.
// Where all that is left waits, the oldest goes on without.
//
// By hand, without a server (offline.go): Verify is a whole pass of the above, Reindex (rebuild.go, store_rebuild.go) reads every commit of all repositories into the table reindexed and makes the index that, in one
// transaction. Rows keep their ids by task, fence and artifact; rows that git lacks stop it, unless they are to go.
//
// A search (search.go) reads the newest texts of devices in the inventory, or all there were, page by page:
//
//	store_search.go  the index (package sift) names the blobs that may match, beside those that it does not know yet; without a usable literal it is all
//	search.go        inventory says which of their devices are there and in the filter; files are read at once, hits taken in order
//	search_file.go   a text's lines that match (package grep)
//	search_history.go   with history: an artifact's revisions from the first one on, and each line that matches with where it begins and ends
//	search_secret.go    a secret is looked for by its tag
//	search_plan.go   what may have it; in a history also what lost it (gone.go: revision.compared is set once the lines that a revision took away are noted)
//	sifter.go        the index follows: artifact.sifted is cleared by whatever changes a blob, and set once the index has it
//
// Damage (verify*.go, mend.go): one pass a day over packs, commits, index and newest states, slowly, going on after a restart from a file beside the repository; what git stumbles over begins one early:
//
//	pack damaged -> made good from its own bytes, other packs or the mirror; the damaged file is kept aside
//	             -> named in Health, metrics and log, HISTORY_DAMAGED to readers, tried again every ten minutes
//	row wrong    -> named, never changed: people run reindex
//
// Packs gather, one for each call that changed something, and are folded behind it (fold.go).
//
// What must not hurt, by the numbers of the list of failures, and the tests that show it (repo/ is the git core):
//
//	 9 10 11  ended between pack, head, ref and answer   Test09* Test10* Test11*; kills at random moments: Test09To11* here and in repo/, long: make chaos
//	12        power cut at every step of the writer      repo/ Test12*
//	26 27     repeats, late attempts                     Test26* Test27*
//	33        disk full at every step                    Test33* here and in repo/
//	63 72 77  forged, shrunk, without keys               Test63* Test72* Test77*
//	78        another writer moves the head              Test78*
//	79        the mirror is away                         Test79*
//	80        bit-rot                                    Test80*
//	95        the database is older than the history     Test95*
//
// Invariants:
//   - While a pack is damaged no pack of its repository is folded, and the mirror drops none of it. One that is gone is damaged, unless others hold all of it.
//   - No data key is asked for while keys of a restored mirror wait for vault: a new one would take the place of the right one, in the mirror too.
//   - Nothing waits for the mirror or a remote, and a mirror is never replaced by less than it holds.
//   - A push never forces: a remote with other commits is reported and left. Its secret is opened for each push, and goes to no server that it was not given for.
//   - What looks truncated never becomes the current revision by itself, and its attempt is told so: it is no success.
//   - DURABLE is said after the pack is synced and the transaction committed, never before.
//   - Git holds masked text only, unless a setting says that it is plain; an artifact's label tells which it is. Originals are stored sealed as the agent closed them, and opened only for config.read_secret, with an audit line first.
//   - (task, fence) is stored once; a repeat gets the first answer.
//   - A fence lower than the artifact's last one changes no content: it is kept as an observation.
//   - One transaction moves the heads of all repositories that a call writes to: after a crash all refs follow, or none.
//   - A repository holds files of the sites that name it, and of devices that have had no good result since their site named another.
//   - The database head decides. A pack that no head names is ignored; refs never move back, but for an erasure, whose row in the database says from where to where.
//   - An artifact state without a label has no original: its next result must come with bytes.
//   - All artifacts of an attempt are stored, or none.
//   - A search misses no current text: what the index does not know is read. Only masked text is searched.
package gitstore
