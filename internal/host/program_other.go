//go:build !linux

package host

// ReleaseProgram does nothing here.
func ReleaseProgram() error { return nil }
