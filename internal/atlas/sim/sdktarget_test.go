package sim

import "go.mongodb.org/atlas-sdk/v20250312020/admin"

// targetLives are what database users are let into.
func targetLives() []lifeCycle {
	return []lifeCycle{
		{"cluster", "CLUSTER_NOT_FOUND", func(s *site) life {
			return life{
				want: `{"name":"c9","clusterType":"REPLICASET","backupEnabled":true,"pitEnabled":true,"tags":[{"key":"env","value":"dev"}],"labels":[{"key":"l","value":"v"}],
					"terminationProtectionEnabled":false,"mongoDBMajorVersion":"8.0","versionReleaseSystem":"LTS","redactClientLogData":true,"replicaSetScalingStrategy":"NODE_TYPE","biConnector":{"enabled":true,"readPreference":"analytics"},
					"advancedConfiguration":{"minimumEnabledTlsProtocol":"TLS1_2"},"replicationSpecs":[{"regionConfigs":[{"providerName":"AWS","regionName":"EU_WEST_1","priority":7,
						"electableSpecs":{"instanceSize":"M30","nodeCount":3,"diskSizeGB":40},"readOnlySpecs":{"instanceSize":"M30","nodeCount":1,"diskSizeGB":40},
						"autoScaling":{"compute":{"enabled":true,"minInstanceSize":"M30","maxInstanceSize":"M50","scaleDownEnabled":true},"diskGB":{"enabled":true}}}]}]}`,
				then: `{"tags":[{"key":"env","value":"prod"},{"key":"team","value":"web"}]}`, key: "name",
				create: func(d string) (any, error) {
					return got(s.ClustersApi.CreateCluster(s.ctx, s.prod, to[admin.ClusterDescription20240805](s, d)).Execute())
				},
				read: func(id string) (any, error) { return got(s.ClustersApi.GetCluster(s.ctx, s.prod, id).Execute()) },
				list: func() (any, error) { return got(s.ClustersApi.ListClusters(s.ctx, s.prod).Execute()) },
				update: func(id, d string) (any, error) {
					return got(s.ClustersApi.UpdateCluster(s.ctx, s.prod, id, part[admin.ClusterDescription20240805](s, d)).Execute())
				},
				remove: func(id string) error { return done(s.ClustersApi.DeleteCluster(s.ctx, s.prod, id).Execute()) },
			}
		}},
		{"flex cluster", "CLUSTER_NOT_FOUND", func(s *site) life {
			return life{
				want: `{"name":"f2","providerSettings":{"backingProviderName":"AWS","regionName":"EU_WEST_1"},"tags":[{"key":"env","value":"dev"}],"terminationProtectionEnabled":false}`,
				then: `{"tags":[{"key":"env","value":"prod"}],"terminationProtectionEnabled":false}`, key: "name",
				create: func(d string) (any, error) {
					return got(s.FlexClustersApi.CreateFlexCluster(s.ctx, s.prod, to[admin.FlexClusterDescriptionCreate20241113](s, d)).Execute())
				},
				read: func(id string) (any, error) {
					return got(s.FlexClustersApi.GetFlexCluster(s.ctx, s.prod, id).Execute())
				},
				list: func() (any, error) { return got(s.FlexClustersApi.ListFlexClusters(s.ctx, s.prod).Execute()) },
				update: func(id, d string) (any, error) {
					return got(s.FlexClustersApi.UpdateFlexCluster(s.ctx, s.prod, id, part[admin.FlexClusterDescriptionUpdate20241113](s, d)).Execute())
				},
				remove: func(id string) error { return done(s.FlexClustersApi.DeleteFlexCluster(s.ctx, s.prod, id).Execute()) },
			}
		}},
		{"federated database", "RESOURCE_NOT_FOUND", func(s *site) life {
			return life{
				want: `{"name":"lake","dataProcessRegion":{"cloudProvider":"AWS","region":"DUBLIN_IRL"},"cloudProviderConfig":{"aws":{"roleId":"ef0000000000000000000001","testS3Bucket":"probe"}},
					"storage":{"databases":[{"name":"d","collections":[{"name":"c","dataSources":[{"storeName":"s","path":"/x"}]}]}],"stores":[{"name":"s","provider":"s3","bucket":"b","region":"EU_WEST_1"}]}}`,
				then:   `{"storage":{"databases":[],"stores":[{"name":"a","provider":"atlas","clusterName":"main"}]}}`,
				hidden: "testS3Bucket", key: "name", oneWay: true, // the client sends an empty bucket then
				create: func(d string) (any, error) {
					return got(s.DataFederationApi.CreateDataFederation(s.ctx, s.prod, to[admin.DataLakeTenant](s, d)).Execute())
				},
				read: func(id string) (any, error) {
					return got(s.DataFederationApi.GetDataFederation(s.ctx, s.prod, id).Execute())
				},
				list: func() (any, error) { return got(s.DataFederationApi.ListDataFederation(s.ctx, s.prod).Execute()) },
				update: func(id, d string) (any, error) {
					return got(s.DataFederationApi.UpdateDataFederation(s.ctx, s.prod, id, part[admin.DataLakeTenant](s, d)).SkipRoleValidation(false).Execute())
				},
				remove: func(id string) error {
					return done(s.DataFederationApi.DeleteDataFederation(s.ctx, s.prod, id).Execute())
				},
			}
		}},
		{"stream workspace", "STREAM_TENANT_NOT_FOUND_FOR_NAME", func(s *site) life {
			return life{
				want: `{"name":"flow2","dataProcessRegion":{"cloudProvider":"AWS","region":"DUBLIN_IRL"},"streamConfig":{"tier":"SP10","maxTierSize":"SP50"}}`,
				then: `{"cloudProvider":"AWS","region":"VIRGINIA_USA"}`, after: `{"dataProcessRegion":{"cloudProvider":"AWS","region":"VIRGINIA_USA"},"streamConfig":{"tier":"SP10"}}`, key: "name",
				create: func(d string) (any, error) {
					return got(s.StreamsApi.CreateStreamWorkspace(s.ctx, s.prod, to[admin.StreamsTenant](s, d)).Execute())
				},
				read: func(id string) (any, error) { return got(s.StreamsApi.GetStreamWorkspace(s.ctx, s.prod, id).Execute()) },
				list: func() (any, error) { return got(s.StreamsApi.ListStreamWorkspaces(s.ctx, s.prod).Execute()) },
				update: func(id, d string) (any, error) {
					return got(s.StreamsApi.UpdateStreamWorkspace(s.ctx, s.prod, id, part[admin.StreamsTenantUpdateRequest](s, d)).Execute())
				},
				remove: func(id string) error { return done(s.StreamsApi.DeleteStreamWorkspace(s.ctx, s.prod, id).Execute()) },
			}
		}},
		{"Kafka connection", "STREAM_CONNECTION_NOT_FOUND_FOR_NAME", streamConnectionLife(
			`{"name":"k2","type":"Kafka","bootstrapServers":"a.example.com:9092","config":{"auto.offset.reset":"earliest"},"security":{"protocol":"SASL_SSL"},"networking":{"access":{"type":"PUBLIC"}},"authentication":{"mechanism":"PLAIN","username":"u","password":"fake-secret"}}`,
			`{"name":"k2","type":"Kafka","bootstrapServers":"b.example.com:9092","config":{"auto.offset.reset":"latest"},"security":{"protocol":"SASL_SSL"},"authentication":{"mechanism":"SCRAM-256","username":"v","password":"fake-secret"}}`)},
		{"cluster connection", "STREAM_CONNECTION_NOT_FOUND_FOR_NAME", streamConnectionLife(
			`{"name":"own","type":"Cluster","clusterName":"main","dbRoleToExecute":{"role":"readWriteAnyDatabase","type":"BUILT_IN"}}`,
			`{"name":"own","type":"Cluster","clusterName":"copy","dbRoleToExecute":{"role":"inner","type":"CUSTOM"}}`)},
	}
}

func streamConnectionLife(want, then string) func(s *site) life {
	return func(s *site) life {
		return life{
			want: want, then: then, key: "name", hidden: "password",
			create: func(d string) (any, error) {
				return got(s.StreamsApi.CreateStreamConnection(s.ctx, s.prod, "flow", to[admin.StreamsConnection](s, d)).Execute())
			},
			read: func(id string) (any, error) {
				return got(s.StreamsApi.GetStreamConnection(s.ctx, s.prod, "flow", id).Execute())
			},
			list: func() (any, error) { return got(s.StreamsApi.ListStreamConnections(s.ctx, s.prod, "flow").Execute()) },
			update: func(id, d string) (any, error) {
				return got(s.StreamsApi.UpdateStreamConnection(s.ctx, s.prod, "flow", id, part[admin.StreamsConnection](s, d)).Execute())
			},
			remove: func(id string) error {
				return done(s.StreamsApi.DeleteStreamConnection(s.ctx, s.prod, "flow", id).Execute())
			},
		}
	}
}

// backupLives are the copies of data, and where they go. Jobs are not deleted.
func backupLives() []lifeCycle {
	return []lifeCycle{
		{"snapshot", "RESOURCE_NOT_FOUND", func(s *site) life {
			return life{
				want: `{"description":"before","retentionInDays":2}`, shown: `{"description":"before","status":"completed","snapshotType":"onDemand","expiresAt":"2026-08-05T10:00:00Z"}`,
				then: `{"retentionUnit":"WEEKS","retentionValue":1}`, after: `{"expiresAt":"2026-08-10T10:00:00Z"}`,
				create: func(d string) (any, error) {
					return got(s.CloudBackupsApi.TakeSnapshots(s.ctx, s.prod, "main", to[admin.DiskBackupOnDemandSnapshotRequest](s, d)).Execute())
				},
				read: func(id string) (any, error) {
					return got(s.CloudBackupsApi.GetClusterBackupSnapshot(s.ctx, s.prod, "main", id).Execute())
				},
				list: func() (any, error) {
					return got(s.CloudBackupsApi.ListBackupSnapshots(s.ctx, s.prod, "main").Execute())
				},
				update: func(id, d string) (any, error) {
					if part[admin.BackupSnapshotRetention](s, d).RetentionUnit == "" {
						return nil, nil // the first retention is the creation's
					}
					return got(s.CloudBackupsApi.UpdateBackupSnapshot(s.ctx, s.prod, "main", id, part[admin.BackupSnapshotRetention](s, d)).Execute())
				},
				remove: func(id string) error {
					return done(s.CloudBackupsApi.DeleteClusterBackupSnapshot(s.ctx, s.prod, "main", id).Execute())
				},
			}
		}},
		{"restore job", "", func(s *site) life {
			return life{
				want: `{"deliveryType":"automated","snapshotId":"` + snapshot1 + `","targetClusterName":"copy","targetGroupId":"<prod>"}`,
				create: func(d string) (any, error) {
					return got(s.CloudBackupsApi.CreateBackupRestoreJob(s.ctx, s.prod, "main", to[admin.DiskBackupSnapshotRestoreJob](s, d)).Execute())
				},
				read: func(id string) (any, error) {
					return got(s.CloudBackupsApi.GetBackupRestoreJob(s.ctx, s.prod, "main", id).Execute())
				},
				list: func() (any, error) {
					return got(s.CloudBackupsApi.ListBackupRestoreJobs(s.ctx, s.prod, "main").Execute())
				},
			}
		}},
		{"AWS export bucket", "RESOURCE_NOT_FOUND", exportBucketLife(`{"cloudProvider":"AWS","bucketName":"vault2","iamRoleId":"ef0000000000000000000001","requirePrivateNetworking":false}`, `{"requirePrivateNetworking":true}`)},
		{"Azure export bucket", "RESOURCE_NOT_FOUND", exportBucketLife(`{"cloudProvider":"AZURE","serviceUrl":"https://x.blob.core.windows.net/cold","roleId":"ef0000000000000000000002"}`, "")},
		{"GCP export bucket", "RESOURCE_NOT_FOUND", exportBucketLife(`{"cloudProvider":"GCP","bucketName":"gvault","roleId":"ef0000000000000000000003"}`, "")},
		{"export job", "", func(s *site) life {
			return life{
				want: `{"snapshotId":"` + snapshot1 + `","exportBucketId":"5d0000000000000000000001","customData":[{"key":"a","value":"b"}]}`,
				create: func(d string) (any, error) {
					return got(s.CloudBackupsApi.CreateBackupExport(s.ctx, s.prod, "main", to[admin.DiskBackupExportJobRequest](s, d)).Execute())
				},
				read: func(id string) (any, error) {
					return got(s.CloudBackupsApi.GetBackupExport(s.ctx, s.prod, "main", id).Execute())
				},
				list: func() (any, error) { return got(s.CloudBackupsApi.ListBackupExports(s.ctx, s.prod, "main").Execute()) },
			}
		}},
		{"backup compliance policy", "", func(s *site) life {
			return life{
				want: `{"authorizedEmail":"alice@example.com","authorizedUserFirstName":"Alice","authorizedUserLastName":"E","copyProtectionEnabled":false,"pitEnabled":true,"restoreWindowDays":7,"projectId":"<prod>","encryptionAtRestEnabled":false,
					"onDemandPolicyItem":{"frequencyType":"ondemand","frequencyInterval":0,"retentionUnit":"days","retentionValue":3},"scheduledPolicyItems":[{"frequencyType":"daily","frequencyInterval":1,"retentionUnit":"days","retentionValue":7}]}`,
				then: `{"authorizedEmail":"alice@example.com","authorizedUserFirstName":"Alice","authorizedUserLastName":"E","copyProtectionEnabled":false,"pitEnabled":true,"restoreWindowDays":9,"projectId":"<prod>",
					"onDemandPolicyItem":{"frequencyType":"ondemand","frequencyInterval":0,"retentionUnit":"weeks","retentionValue":3},"scheduledPolicyItems":[{"frequencyType":"daily","frequencyInterval":1,"retentionUnit":"days","retentionValue":9}]}`,
				read: func(string) (any, error) { return got(s.CloudBackupsApi.GetCompliancePolicy(s.ctx, s.prod).Execute()) },
				update: func(_, d string) (any, error) {
					return got(s.CloudBackupsApi.UpdateCompliancePolicy(s.ctx, s.prod, part[admin.DataProtectionSettings20231001](s, d)).OverwriteBackupPolicies(false).Execute())
				},
			}
		}},
		{"backup schedule", "", func(s *site) life {
			return life{
				want: `{"referenceHourOfDay":3,"referenceMinuteOfHour":15,"restoreWindowDays":4,"policies":[{"policyItems":[{"frequencyType":"daily","frequencyInterval":1,"retentionUnit":"days","retentionValue":9}]}]}`,
				then: `{"referenceHourOfDay":4,"useOrgAndGroupNamesInExportPrefix":true}`,
				read: func(string) (any, error) {
					return got(s.CloudBackupsApi.GetBackupSchedule(s.ctx, s.prod, "main").Execute())
				},
				update: func(_, d string) (any, error) {
					return got(s.CloudBackupsApi.UpdateBackupSchedule(s.ctx, s.prod, "main", part[admin.DiskBackupSnapshotSchedule20240805](s, d)).Execute())
				},
			}
		}},
	}
}

// exportBucketLife has an update for AWS alone.
func exportBucketLife(want, then string) func(s *site) life {
	return func(s *site) life {
		l := life{
			want: want, then: then, key: "_id",
			create: func(d string) (any, error) {
				return got(s.CloudBackupsApi.CreateExportBucket(s.ctx, s.prod, to[admin.DiskBackupSnapshotExportBucketRequest](s, d)).Execute())
			},
			read: func(id string) (any, error) {
				return got(s.CloudBackupsApi.GetExportBucket(s.ctx, s.prod, id).Execute())
			},
			list:   func() (any, error) { return got(s.CloudBackupsApi.ListExportBuckets(s.ctx, s.prod).Execute()) },
			remove: func(id string) error { return done(s.CloudBackupsApi.DeleteExportBucket(s.ctx, s.prod, id).Execute()) },
		}
		if then != "" {
			l.update = func(id, d string) (any, error) {
				return got(s.CloudBackupsApi.UpdateBackupExportBucket(s.ctx, s.prod, id, part[admin.UpdateRequirePrivateNetworkingRequest](s, d)).Execute())
			}
		}
		return l
	}
}
