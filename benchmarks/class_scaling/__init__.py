"""Measure what a class costs, and what sharing generators does to quality: the study of many classes, in two parts.

    composegan bench class_scaling quality images=24000 seeds=0,1,2 jobs=2   # hours on two cores
    composegan bench class_scaling cost                                      # an hour or two

quality: streets in 30 classes at fixed batch, steps and seeds, with a generator for each class, with shared ones, and
with labels merged to 16 classes. cost: parameters, memory and time from 8 classes to 150. Both save every result as
soon as it is computed; the same command resumes. PART --help lists a part's settings.
"""
