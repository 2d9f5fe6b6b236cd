package controlplane

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// currentRuntimes are those that functions may be made for (Lambda runtimes page),
// in the order in which the message of an unknown one lists them.
var currentRuntimes = []string{
	"nodejs20.x", "nodejs22.x", "nodejs24.x", "nodejs26.x",
	"python3.10", "python3.11", "python3.12", "python3.13", "python3.14", "python3.15",
	"java8.al2", "java11", "java17", "java21", "java25",
	"java8.al2023", "java11.al2023", "java17.al2023",
	"dotnet8", "dotnet10",
	"ruby3.2", "ruby3.3", "ruby3.4", "ruby4.0",
	"provided.al2", "provided.al2023",
}

// deprecatedRuntimes are those that AWS had once and no longer takes.
var deprecatedRuntimes = []string{
	"nodejs", "nodejs4.3", "nodejs4.3-edge", "nodejs6.10", "nodejs8.10", "nodejs10.x",
	"nodejs12.x", "nodejs14.x", "nodejs16.x", "nodejs18.x",
	"python2.7", "python3.6", "python3.7", "python3.8", "python3.9",
	"java8", "dotnetcore1.0", "dotnetcore2.0", "dotnetcore2.1", "dotnetcore3.1", "dotnet6",
	"go1.x", "ruby2.5", "ruby2.7", "provided",
}

// checkRuntimeName is what AWS answers to a runtime's name, whatever this
// installation has.
func checkRuntimeName(name string) error {
	switch {
	case slices.Contains(currentRuntimes, name):
		return nil
	case slices.Contains(deprecatedRuntimes, name):
		return invalid("The runtime parameter of %s is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions.", name)
	}
	return invalid("Value %s at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [%s] or be a valid ARN",
		name, strings.Join(currentRuntimes, ", "))
}

// checkRuntime is checkRuntimeName and whether this installation can run it.
func (s *Service) checkRuntime(name string) error {
	if err := checkRuntimeName(name); err != nil {
		return err
	}
	if s.cfg.Runtimes == nil {
		return nil
	}
	return s.cfg.Runtimes.Check(name)
}

// snapStartRuntimes are those that SnapStart supports (SnapStart page).
var snapStartRuntimes = []string{
	"java11", "java17", "java21", "java25", "java11.al2023", "java17.al2023",
	"python3.12", "python3.13", "python3.14", "python3.15",
	"dotnet8", "dotnet10",
}

func checkSnapStart(applyOn, runtime string) error {
	if applyOn == snapStartOnVersions && !slices.Contains(snapStartRuntimes, runtime) {
		return invalid("%s is not supported for SnapStart enabled functions.", runtime)
	}
	return nil
}

// runtimeVersionARN names the version of a runtime; there is one of each here.
func runtimeVersionARN(region, runtime string) string {
	sum := sha256.Sum256([]byte(runtime))
	return "arn:aws:lambda:" + region + "::runtime:" + hex.EncodeToString(sum[:])
}
