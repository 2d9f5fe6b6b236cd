package cli

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Version is set by the build (-ldflags -X); a build without it takes the module's.
var Version string

func version() string {
	if Version != "" {
		return Version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: runs(func(context.Context, []string) error {
			platform := runtime.GOOS + "/" + runtime.GOARCH
			if a.output == outputJSON {
				return a.printJSON(map[string]string{"version": version(), "go": runtime.Version(), "platform": platform})
			}
			_, err := fmt.Fprintf(a.stdout, "hearth %s (%s, %s)\n", version(), runtime.Version(), platform)
			return err
		}),
	}
}
