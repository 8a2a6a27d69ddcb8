// Package apispec holds the facts of Atlas's official OpenAPI document that the
// simulator serves by: every operation with its path, versions, sunsets and required
// roles, the schemas of request bodies, and the enums of event types.
//
// The facts are in atlas.json, which a test makes from the document in the SDK's module
// and compares with what is checked in (run it with -update after the SDK moved). Prose,
// examples and response schemas are left out: responses are checked by the conformance
// tests against the document itself, never here.
//
// [Check] judges a request body the way the service does: unknown, missing, mistyped and
// out-of-range attributes, read-only ones allowed. What it says about unions is lenient:
// a body that fits one of the alternatives is good.
package apispec
