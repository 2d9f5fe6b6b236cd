package controlplane

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// defaultArchitecture is that of a function that asks for none: AWS's, or this
// host's own where it cannot run that.
func (s *Service) defaultArchitecture() string {
	const standard = string(types.ArchitectureX8664)
	if len(s.cfg.Architectures) == 0 || slices.Contains(s.cfg.Architectures, standard) {
		return standard
	}
	return s.cfg.Architectures[0]
}

// checkArchitectures says whether this host can run what a request asks for. There
// is no emulation: code for another processor would fail at its first instruction.
func (s *Service) checkArchitectures(given []types.Architecture) error {
	for _, a := range given {
		if len(s.cfg.Architectures) > 0 && !slices.Contains(s.cfg.Architectures, string(a)) {
			return invalid("Architecture %s cannot run on this host. Architectures that can: %s.",
				a, strings.Join(s.cfg.Architectures, ", "))
		}
	}
	return nil
}
