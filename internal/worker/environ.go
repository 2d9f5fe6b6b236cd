package worker

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hearthfaas/hearth/internal/runtimes"
)

// environ is the environment of the runtime's process (Lambda developer guide,
// "Defined runtime environment variables"): the runtime's defaults, the customer's
// variables where they may differ, and what AWS reserves.
func (e *Environment) environ() []string {
	v := e.version
	vars := map[string]string{
		"AWS_ENDPOINT_URL": e.network.endpointURL,
	}
	for _, kv := range e.plan.Env {
		name, value, _ := strings.Cut(kv, "=")
		vars[name] = e.inside(name, value)
	}
	if tmp := e.sandbox.Path("/tmp"); tmp != "/tmp" {
		vars["TMPDIR"] = tmp
	}
	if opt := e.sandbox.Path("/opt"); opt != "/opt" {
		vars["HEARTH_LAYERS_DIR"] = opt // for a runtime that looks below /opt by itself
	}
	for name, value := range v.Environment {
		if _, planned := vars[name]; !planned || name == "AWS_ENDPOINT_URL" || name == "TMPDIR" || runtimes.Overridable(name) {
			vars[name] = value
		}
	}
	maps.Copy(vars, map[string]string{
		"_HANDLER":                        v.Handler,
		"AWS_REGION":                      v.Function.Region,
		"AWS_DEFAULT_REGION":              v.Function.Region,
		"AWS_ACCESS_KEY_ID":               e.credentials.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY":           e.credentials.SecretAccessKey,
		"AWS_SESSION_TOKEN":               e.credentials.SessionToken,
		"AWS_LAMBDA_FUNCTION_NAME":        v.Function.Name,
		"AWS_LAMBDA_FUNCTION_VERSION":     v.Version,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(v.MemoryMB),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  initializationType(v),
		"AWS_LAMBDA_LOG_GROUP_NAME":       v.LogGroup,
		"AWS_LAMBDA_LOG_STREAM_NAME":      e.log.stream.Stream,
		"AWS_LAMBDA_RUNTIME_API":          e.network.runtimeAPI,
		"LAMBDA_TASK_ROOT":                e.sandbox.Path("/var/task"),
		"LAMBDA_RUNTIME_DIR":              e.sandbox.Path("/var/runtime"),
	})
	if v.LogFormat == logFormatJSON {
		vars["AWS_LAMBDA_LOG_FORMAT"] = v.LogFormat
		vars["AWS_LAMBDA_LOG_LEVEL"] = v.ApplicationLogLevel
	}
	if strings.HasPrefix(v.Runtime, "provided") || v.Runtime == "" {
		delete(vars, "AWS_EXECUTION_ENV")
	} else {
		vars["AWS_EXECUTION_ENV"] = "AWS_Lambda_" + v.Runtime
	}
	out := make([]string, 0, len(vars))
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		out = append(out, name+"="+vars[name])
	}
	return out
}

// inside spells the paths in a variable of the runtime's as code inside sees them.
func (e *Environment) inside(name, value string) string {
	switch name {
	case "PATH", "LD_LIBRARY_PATH", "NODE_PATH", "PYTHONPATH":
		dirs := strings.Split(value, ":")
		for i, d := range dirs {
			dirs[i] = e.sandbox.Path(d)
		}
		return strings.Join(dirs, ":")
	}
	return value
}
