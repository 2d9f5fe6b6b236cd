package controlplane

import (
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// changes are the members of a configuration that CreateFunction and
// UpdateFunctionConfiguration share; what is nil or empty stays as it is.
type changes struct {
	role, handler, description *string
	runtime                    types.Runtime
	timeout, memory            *int32
	ephemeral                  *types.EphemeralStorage
	environment                *types.Environment
	logging                    *types.LoggingConfig
	tracing                    *types.TracingConfig
	snapStart                  *types.SnapStart
	deadLetter                 *types.DeadLetterConfig
	extras                     extras
}

// apply returns the settings after a request's changes, or the *lambda.Error that
// refuses them. It looks at nothing but its arguments: roles and runtimes of this
// installation are checked by the caller.
func (s settings) apply(c changes) (settings, error) {
	set(&s.Role, c.role)
	set(&s.Handler, c.handler)
	set(&s.Description, c.description)
	if c.runtime != "" {
		s.Runtime = string(c.runtime)
	}
	setInt(&s.TimeoutSec, c.timeout)
	setInt(&s.MemoryMB, c.memory)
	if c.ephemeral != nil {
		setInt(&s.EphemeralMB, c.ephemeral.Size)
	}
	if c.tracing != nil && c.tracing.Mode != "" {
		s.Tracing = string(c.tracing.Mode)
	}
	if c.snapStart != nil && c.snapStart.ApplyOn != "" {
		s.SnapStart = string(c.snapStart.ApplyOn)
	}
	if c.deadLetter != nil {
		s.DeadLetterARN = value(c.deadLetter.TargetArn)
	}
	if c.environment != nil {
		s.Environment = c.environment.Variables
		if s.Environment == nil {
			s.Environment = map[string]string{}
		}
	}
	if c.extras.vpc != nil {
		s.VPCCleared = true
	}
	logging, err := mergeLogging(s.Logging, c.logging)
	if err != nil {
		return s, err
	}
	s.Logging = logging
	for _, err := range []error{
		checkRuntimeName(s.Runtime),
		checkMemoryAndTime(s),
		checkVariables(s.Environment),
		checkSnapStart(s.SnapStart, s.Runtime),
		checkDeadLetter(s.DeadLetterARN),
		c.extras.check(),
	} {
		if err != nil {
			return s, err
		}
	}
	return s, nil
}

func (s *settings) setArchitectures(given []types.Architecture) {
	if len(given) == 0 {
		return
	}
	s.Architectures = nil
	for _, a := range given {
		s.Architectures = append(s.Architectures, string(a))
	}
}

func set(to *string, given *string) {
	if given != nil {
		*to = *given
	}
}

func setInt(to *int, given *int32) {
	if given != nil {
		*to = int(*given)
	}
}
