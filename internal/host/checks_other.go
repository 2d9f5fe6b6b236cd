//go:build !linux

package host

import "runtime"

// checks are few where there are no namespaces.
func checks() []func() Check {
	return []func() Check{cpus, func() Check {
		return Check{
			Name: "namespaces", Detail: runtime.GOOS + " has none",
			Remedy: "use --isolation process here, or run Hearth on Linux",
		}
	}}
}
