package worker

import (
	"time"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// provisionedConcurrency is how an environment was initialised that was made ahead.
const provisionedConcurrency = "provisioned-concurrency"

// provisionedInitLeast is how long Init may take at least in an environment that is
// made ahead, where no invoke waits (Lambda developer guide, "Lambda execution
// environment lifecycle").
const provisionedInitLeast = 130 * time.Second

// initTimeout bounds a version's Init phase.
func initTimeout(v *lambda.Version) time.Duration {
	if v.Provisioned {
		return max(provisionedInitLeast, v.Timeout)
	}
	return lambda.InitTimeout
}

// initializationType is AWS_LAMBDA_INITIALIZATION_TYPE.
func initializationType(v *lambda.Version) string {
	if v.Provisioned {
		return provisionedConcurrency
	}
	return onDemand
}

// Initialised says whether the runtime waits for an event. It waits for an invoke
// that is under way.
func (e *Environment) Initialised() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ready
}

// reportAhead logs the Init phase of an environment that was made ahead. No invoke
// waited for it, so no REPORT line tells of it. The mutex is held.
func (e *Environment) reportAhead() {
	if !e.version.Provisioned {
		return
	}
	e.log.drain()
	e.log.platform(e.lines.initReport(e.first.Init, phaseInit, statusSuccess, ""))
	e.first = nil
}

// statusSuccess is the status of an Init phase that went well.
const statusSuccess = "success"
