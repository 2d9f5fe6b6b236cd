package controlplane

import (
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthfaas/hearth/internal/lambda"
)

// mergeLogging is a logging configuration after a request: what the request leaves
// out stays as it was. Levels exist with JSON only; there they default to INFO, and
// going back to Text drops them.
func mergeLogging(old loggingRecord, in *types.LoggingConfig) (loggingRecord, error) {
	if in == nil {
		return old, nil
	}
	next := old
	if in.LogFormat != "" {
		next.Format = string(in.LogFormat)
	}
	if value(in.LogGroup) != "" {
		next.Group = *in.LogGroup
	}
	if next.Format != string(types.LogFormatJson) {
		if in.ApplicationLogLevel != "" || in.SystemLogLevel != "" {
			return old, invalid(`LogLevel is not supported when LogFormat is set to "Text". Remove LogLevel from your request or change the LogFormat to "JSON" and try again.`)
		}
		next.ApplicationLevel, next.SystemLevel = "", ""
		return next, nil
	}
	next.ApplicationLevel = firstOf(string(in.ApplicationLogLevel), next.ApplicationLevel, string(types.ApplicationLogLevelInfo))
	next.SystemLevel = firstOf(string(in.SystemLogLevel), next.SystemLevel, string(types.SystemLogLevelInfo))
	return next, nil
}

// defaultLogging is the logging configuration of a function that asks for none.
func defaultLogging(id lambda.FunctionID) loggingRecord {
	return loggingRecord{Format: string(types.LogFormatText), Group: "/aws/lambda/" + id.Name}
}

// firstOf is the first of its arguments that is not empty.
func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
