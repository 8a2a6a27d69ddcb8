// Package atlas is the client of the MongoDB Atlas Administration API v2: it reads the
// resources that Gatewarden watches and makes the few writes that plans consist of.
//
// A [Client] has two sides. The read side can send nothing but GET and HEAD, whatever
// is asked of it. The write side exists only with a write credential, and under dry run
// it is held to GET and HEAD as well. Both are refused by the innermost round tripper,
// below everything that composes requests, so neither needs the good will of a caller.
// The same round tripper refuses every host but the one of the base URL: links and
// redirects in answers are never followed, and no proxy of the environment is used.
//
// # What may go wrong, and how it shows
//
// A read never fails as an error: [Client.Read] gives a reading whose status says
// complete, denied, failed or unsupported, and a part of a list is never taken for the
// list. An answer that is cut, empty, or whose count disagrees with its elements is read
// again; then it is failed. Elements are decoded one by one from the raw body, so that
// one odd element loses itself and not the page. Everything else returns errors that
// wrap access.ErrTemporary, access.ErrForbidden or access.ErrGone, or none of the three
// when asking again would not help.
//
// Reads are retried here, a few times, on 429 (as Retry-After says), 500, 503, timeouts
// and cut bodies. Writes are never retried: whoever made one reads back first.
//
// # State
//
// An access token is kept in memory and, sealed under a key derived from the client
// secret, in a [TokenStore], because Atlas allows 100 live tokens per service account.
// A [budget] mirrors Atlas's token buckets from the headers of its answers; reads
// wait while a bucket is below half, those under [Yielding] not for long (what they give
// up is unread), those under [Patient] for minutes, those under [Urgent] go first. The
// skew of the local clock is worked out from Date headers. Losing any of it costs requests only.
//
// Documents of which much is used are decoded with the official SDK's types; its client
// and its auth helpers are not used, since they may dial the public host.
package atlas
