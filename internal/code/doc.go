// Package code keeps deployment packages: it verifies an uploaded zip, stores it
// under the SHA-256 of its bytes, hands it out again through signed links, and on
// a worker unpacks it once for all environments that need it.
//
// It decides what a well-formed package is and when an unpacked tree may leave a
// worker's disk. It does not decide which functions exist or which packages are
// still needed (controlplane does), nor how a tree is shown to a sandbox (worker).
package code
