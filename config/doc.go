// Package config reads the one file that a person writes for Gatewarden.
//
// The file is described once, as a tree of shapes (keys.go): every key with what it
// means, what it may hold and what it is when left out. Load walks a file along that
// tree, and Schema prints the same tree as a JSON Schema for editors, so the two
// cannot disagree.
//
// Load is strict and complete. A key that it does not know, a key given twice, a value
// of the wrong type, a name that nothing declares: each is a Problem with its line and
// path, and all of them come back in one go, so that a file is put right in one sitting.
// A key of the design that this version does not act on yet is refused by name: a file
// never promises a protection that is not there. What is allowed and yet probably not
// meant is a warning.
//
// It reads in two steps. The walk checks structure and single values and leaves a tree
// of typed leaves with their positions; the build turns that tree into the types that
// the stages use and checks what takes more than one value to see. Both report, and a
// value that the walk refused is simply absent for the build.
//
// Secrets are never in the file. A Source names an environment variable or a file, is
// resolved when it is needed and read again each time, so that a rotated secret is
// picked up; what comes back is a Secret, which prints <redacted> wherever it is
// printed. Inside credentials no message quotes what the file holds, because that may
// be the secret somebody wrote there by mistake.
//
// Load knows no rule catalogue, no Atlas and no clock: whether a rule exists, a ceiling
// allows a response, a waiver is longer than the severity of its rule allows or has
// expired, the daemon checks, and reports at File.Position. So the same file is always
// judged the same here.
package config
