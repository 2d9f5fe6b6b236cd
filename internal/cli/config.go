package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/hearthfaas/hearth/internal/node"
)

// nodeFlags are the flags that say how a node runs, shared by up, doctor and
// config.
type nodeFlags struct {
	file      string
	listen    string
	cluster   string
	dataDir   string
	isolation string
	timeScale float64
	set       *pflag.FlagSet
}

func (f *nodeFlags) register(cmd *cobra.Command) {
	d := node.Default()
	f.set = cmd.Flags()
	f.set.StringVar(&f.file, "config", "", "YAML file with the configuration; flags win over it")
	f.set.StringVar(&f.listen, "listen", d.Listen, "address of the one port; port 0 takes a free one")
	f.set.StringVar(&f.cluster, "cluster-listen", d.ClusterListen, "address on which workers and frontends on other machines join; none without it")
	f.set.StringVar(&f.dataDir, "data-dir", "", "where everything durable lies (default $HEARTH_DATA_DIR, $XDG_DATA_HOME/hearth, ~/.local/share/hearth; root: /var/lib/hearth)")
	f.set.Float64Var(&f.timeScale, "time-scale", d.TimeScale, "how many times faster waits pass, for tests: those of events, rates, deliveries and their retries")
	f.set.StringVar(&f.isolation, "isolation", d.Isolation, "what separates functions: namespace or process")
	_ = cmd.RegisterFlagCompletionFunc("isolation", cobra.FixedCompletions([]string{"namespace", "process"}, cobra.ShellCompDirectiveNoFileComp))
}

// config is the effective configuration: defaults, then the file, then flags.
func (a *app) nodeConfig(f *nodeFlags) (node.Config, error) {
	cfg := node.Default()
	cfg.Path, cfg.Home = cmp.Or(a.getenv("PATH"), cfg.Path), a.getenv("HOME")
	if f.file != "" {
		text, err := os.ReadFile(f.file)
		if err != nil {
			return cfg, usagef("read configuration: %v", err)
		}
		if err := decodeConfig(text, &cfg); err != nil {
			return cfg, usagef("configuration %s: %v", f.file, err)
		}
	}
	if f.set.Changed("listen") {
		cfg.Listen = f.listen
	}
	if f.set.Changed("cluster-listen") {
		cfg.ClusterListen = f.cluster
	}
	if f.set.Changed("isolation") {
		cfg.Isolation = f.isolation
	}
	if f.set.Changed("time-scale") {
		cfg.TimeScale = f.timeScale
	}
	cfg.DataDir = cmp.Or(f.dataDir, cfg.DataDir, a.getenv("HEARTH_DATA_DIR"), a.defaultDataDir())
	dir, err := filepath.Abs(cfg.DataDir)
	if err != nil {
		return cfg, usagef("data directory %s: %v", cfg.DataDir, err)
	}
	cfg.DataDir = dir
	if err := cfg.Validate(); err != nil {
		return cfg, usagef("configuration: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return cfg, nil
}

// decodeConfig reads a configuration file over cfg. Keys that do not exist are
// errors, so that a misspelt limit is not silently the default.
func decodeConfig(text []byte, cfg *node.Config) error {
	dec := yaml.NewDecoder(strings.NewReader(string(text)))
	dec.KnownFields(true)
	if err := dec.Decode(cfg); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// defaultDataDir follows the XDG base directory specification; root has a place
// of the system's.
func (a *app) defaultDataDir() string {
	if os.Geteuid() == 0 {
		return "/var/lib/hearth"
	}
	if dir := a.getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "hearth")
	}
	return filepath.Join(a.getenv("HOME"), ".local", "share", "hearth")
}

func (a *app) configCommand() *cobra.Command {
	var f nodeFlags
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Print the configuration that `hearth up` would run with",
		Long: `Print the configuration that ` + "`hearth up`" + ` would run with: the defaults, the file
given with --config, and the flags. What it prints is a valid --config file.`,
		Args: cobra.NoArgs,
		RunE: runs(func(context.Context, []string) error {
			cfg, err := a.nodeConfig(&f)
			if err != nil {
				return err
			}
			return a.printConfig(cfg)
		}),
	}
	f.register(cmd)
	cmd.AddCommand(a.configEnvCommand())
	return cmd
}

func (a *app) printConfig(cfg node.Config) error {
	text, err := yaml.Marshal(cfg)
	if err != nil {
		return fmt.Errorf("print configuration: %w", err)
	}
	if a.output != outputJSON {
		_, err = a.stdout.Write(text)
		return err
	}
	// Through YAML, so that durations read "10m0s" in both forms.
	var doc map[string]any
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return fmt.Errorf("print configuration: %w", err)
	}
	return a.printJSON(doc)
}

func (a *app) configEnvCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "env",
		Short: "Print the variables that point AWS tools at Hearth: eval \"$(hearth config env)\"",
		Args:  cobra.NoArgs,
		RunE: runs(func(ctx context.Context, _ []string) error {
			cfg, err := a.awsConfig(ctx)
			if err != nil {
				return err
			}
			keys, err := cfg.Credentials.Retrieve(ctx)
			if err != nil {
				return fmt.Errorf("read the keys: %w", err)
			}
			vars := [][2]string{
				{"AWS_ENDPOINT_URL", a.target()},
				{"AWS_REGION", cfg.Region},
				{"AWS_DEFAULT_REGION", cfg.Region},
				{"AWS_ACCESS_KEY_ID", keys.AccessKeyID},
				{"AWS_SECRET_ACCESS_KEY", keys.SecretAccessKey},
			}
			if keys.SessionToken != "" {
				vars = append(vars, [2]string{"AWS_SESSION_TOKEN", keys.SessionToken})
			}
			if a.output == outputJSON {
				doc := map[string]string{}
				for _, v := range vars {
					doc[v[0]] = v[1]
				}
				return a.printJSON(doc)
			}
			for _, v := range vars {
				if _, err := fmt.Fprintf(a.stdout, "export %s=%s\n", v[0], shellQuote(v[1])); err != nil {
					return err
				}
			}
			return nil
		}),
	}
}

// shellQuote writes s so that a POSIX shell reads it back unchanged.
func shellQuote(s string) string {
	plain := func(r rune) bool {
		return r == '-' || r == '_' || r == '.' || r == '/' || r == ':' || r == '+' || r == '=' ||
			'0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// encodeJSON is v as compact JSON, without HTML escapes.
func encodeJSON(v any) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "", err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}
