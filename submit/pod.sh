#!/usr/bin/env bash
# What a pod of the image runs: Spark starts it as `driver` or `executor` and tells it the rest by
# environment. Anything else is a command to run.
set -euo pipefail
role=$1

java_options() { # those of SPARK_JAVA_OPT_0, 1, ...
    local number=0 name=SPARK_JAVA_OPT_0
    while [ -n "${!name+set}" ]; do
        echo "${!name}"
        name=SPARK_JAVA_OPT_$((++number))
    done
}

case $role in
    driver)
        exec "$SPARK_HOME/bin/spark-submit" --deploy-mode client \
            --conf "spark.driver.bindAddress=$SPARK_DRIVER_BIND_ADDRESS" \
            --conf "spark.executorEnv.SPARK_DRIVER_POD_IP=$SPARK_DRIVER_BIND_ADDRESS" "${@:2}"
        ;;
    executor)
        mapfile -t options < <(java_options)
        exec java "${options[@]}" "-Xms$SPARK_EXECUTOR_MEMORY" "-Xmx$SPARK_EXECUTOR_MEMORY" \
            -cp "${SPARK_CONF_DIR:-$SPARK_HOME/conf}:${SPARK_CLASSPATH:-}:$SPARK_HOME/jars/*:$PWD" \
            org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend \
            --driver-url "$SPARK_DRIVER_URL" --executor-id "$SPARK_EXECUTOR_ID" \
            --cores "$SPARK_EXECUTOR_CORES" --app-id "$SPARK_APPLICATION_ID" \
            --hostname "$SPARK_EXECUTOR_POD_IP" --resourceProfileId "$SPARK_RESOURCE_PROFILE_ID" \
            --podName "$SPARK_EXECUTOR_POD_NAME"
        ;;
    *) exec "$@" ;;
esac
