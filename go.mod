module github.com/kioskeeper/kioskeeper

go 1.26.0

require (
	filippo.io/age v1.3.2 // files of auto-id's file store, sealed
	github.com/aws/aws-lambda-go v1.55.1 // Lambda's runtime, for auto-id's server there
	github.com/aws/aws-sdk-go-v2 v1.47.7 // the types that providers and clients share
	github.com/aws/aws-sdk-go-v2/config v1.33.15 // the SDK's default credential chain
	github.com/aws/aws-sdk-go-v2/credentials v1.20.15 // fixed keys and assumed roles as providers
	github.com/aws/aws-sdk-go-v2/service/dynamodb v1.73.1 // a memory of replays that servers share
	github.com/aws/aws-sdk-go-v2/service/kms v1.62.4 // data keys that seal what lies in a repository
	github.com/aws/aws-sdk-go-v2/service/s3 v1.114.8 // AWS's own client, which tests hold ours against
	github.com/aws/aws-sdk-go-v2/service/secretsmanager v1.50.10 // auto-id's store of Secrets Manager
	github.com/aws/aws-sdk-go-v2/service/ssm v1.81.4 // auto-id's store of Parameter Store
	github.com/aws/aws-sdk-go-v2/service/sts v1.51.8 // AssumeRole and GetCallerIdentity
	github.com/aws/smithy-go v1.28.8 // the SDK's errors and middleware
	github.com/go-git/go-git/v5 v5.19.3 // repositories in git, without a git on the machine
	github.com/google/go-cmp v0.7.0 // readable differences in tests
	github.com/pelletier/go-toml/v2 v2.4.3 // TOML with line and column
	github.com/pkg/browser v0.0.0-20240102092130-5ac0b6a4141c // opens the default browser on every system
	github.com/prometheus/client_golang v1.25.0 // promlint: tests hold the hand-written metrics against it
	github.com/rogpeppe/go-internal v1.16.0 // testscript: each verb tested as it is called
	github.com/spf13/cobra v1.10.2 // verbs, man pages and completions
	go.yaml.in/yaml/v3 v3.0.5 // reads the examples for build systems, in tests
	golang.org/x/crypto v0.58.0 // cryptobyte: length-prefixed messages
	golang.org/x/sys v0.49.0 // system calls the standard library lacks
)

require (
	dario.cat/mergo v1.0.0 // indirect
	filippo.io/hpke v0.4.0 // indirect
	github.com/Microsoft/go-winio v0.6.2 // indirect
	github.com/ProtonMail/go-crypto v1.1.6 // indirect
	github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream v1.7.26 // indirect
	github.com/aws/aws-sdk-go-v2/feature/ec2/imds v1.20.7 // indirect
	github.com/aws/aws-sdk-go-v2/internal/configsources v1.5.10 // indirect
	github.com/aws/aws-sdk-go-v2/internal/endpoints/v2 v2.8.10 // indirect
	github.com/aws/aws-sdk-go-v2/internal/v4a v1.5.10 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/accept-encoding v1.13.24 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/checksum v1.11.11 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/endpoint-discovery v1.13.10 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/presigned-url v1.14.10 // indirect
	github.com/aws/aws-sdk-go-v2/service/internal/s3shared v1.20.10 // indirect
	github.com/aws/aws-sdk-go-v2/service/signin v1.12.3 // indirect
	github.com/aws/aws-sdk-go-v2/service/sso v1.39.3 // indirect
	github.com/aws/aws-sdk-go-v2/service/ssooidc v1.44.3 // indirect
	github.com/cloudflare/circl v1.6.3 // indirect
	github.com/cpuguy83/go-md2man/v2 v2.0.6 // indirect
	github.com/cyphar/filepath-securejoin v0.6.1 // indirect
	github.com/emirpasic/gods v1.18.1 // indirect
	github.com/go-git/gcfg v1.5.1-0.20230307220236-3a3c6141e376 // indirect
	github.com/go-git/go-billy/v5 v5.9.2 // indirect
	github.com/golang/groupcache v0.0.0-20241129210726-2c02b8208cf8 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/jbenet/go-context v0.0.0-20150711004518-d14ea06fba99 // indirect
	github.com/kevinburke/ssh_config v1.2.0 // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/pjbgf/sha1cd v0.7.0 // indirect
	github.com/prometheus/client_model v0.6.3 // indirect
	github.com/prometheus/common v0.72.0 // indirect
	github.com/russross/blackfriday/v2 v2.1.0 // indirect
	github.com/sergi/go-diff v1.3.2-0.20230802210424-5b0b94c5c0d3 // indirect
	github.com/skeema/knownhosts v1.3.1 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
	github.com/xanzy/ssh-agent v0.3.3 // indirect
	golang.org/x/net v0.60.0 // indirect
	golang.org/x/tools v0.49.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
	gopkg.in/warnings.v0 v0.1.2 // indirect
)
